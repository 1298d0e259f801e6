import JSON
import OperatingHome
import Testing

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// `switchboard up` over the real programs: start, second start, restart of a dead child, orderly stop.
@Suite struct UpTests {
    /// A home without adapters: what is tested here is supervision.
    static let bare = "adapters: {}\n"

    @Test func routerRunsUntilTheSupervisorIsStopped() async throws {
        try await SwitchboardHomeFixture.with(configuration: Self.bare) { home in
            let (supervisor, output) = try await home.up()
            #expect(output.text.contains("Switchboard \(SwitchboardVersion.current)"))
            let status = try await home.json("status")
            let router = try #require(status["router"]?["pid"]?.integerValue)
            #expect(status["store"]?["state"] == "ok")
            supervisor.signal(SIGTERM)
            #expect(await supervisor.exit() == .exited(0))
            #expect(kill(pid_t(router), 0) != 0)
            #expect(try FileLock.holder(home.places.routerLock) == nil)
        }
    }

    @Test func secondSupervisorNamesTheFirst() async throws {
        try await SwitchboardHomeFixture.with(configuration: Self.bare) { home in
            let (supervisor, _) = try await home.up()
            let second = try await home.switchboard("up")
            #expect(second.status == .exited(1))
            #expect(second.errors.contains("process \(supervisor.pid)"))
            let detached = try await home.switchboard("up", "--detach")
            #expect(detached.status == .exited(0))
            #expect(detached.output.contains("process \(supervisor.pid)"))
        }
    }

    @Test func detachedSupervisorOutlivesItsStarterAndStops() async throws {
        try await SwitchboardHomeFixture.with(configuration: Self.bare) { home in
            let started = try await home.switchboard("up", "--detach")
            #expect(started.status == .exited(0), "\(started.errors)")
            #expect(started.output.contains("Bring Claude Code in"))
            #expect(try await home.switchboard("status").status == .exited(0))
            #expect(try await home.switchboard("up", "--stop").status == .exited(0))
            let after = try await home.switchboard("status")
            #expect(after.status == .exited(1))
            #expect(after.errors.contains("switchboard up"))
        }
    }

    @Test func killedRouterIsStartedAgain() async throws {
        try await SwitchboardHomeFixture.with(configuration: Self.bare) { home in
            try await home.up()
            let before = try await home.json("status")
            let pid = try #require(before["router"]?["pid"]?.integerValue)
            let observer = try RouterObserver(home.places)
            await observer.waitForWelcomes(1)
            #expect(kill(pid_t(pid), SIGKILL) == 0)
            await observer.waitForWelcomes(2)
            observer.stop()
            let after = try await home.json("status")
            #expect(after["router"]?["pid"]?.integerValue != pid)
            #expect(
                try #require(after["router"]?["epoch"]?.integerValue) > (before["router"]?["epoch"]?.integerValue ?? 0))
        }
    }

    @Test func childrenEndWithAKilledSupervisor() async throws {
        try await SwitchboardHomeFixture.with(configuration: Self.bare) { home in
            let (supervisor, _) = try await home.up()
            supervisor.signal(SIGKILL)
            _ = await supervisor.exit()
            #expect(try FileLock.waitUntilFree(home.places.routerLock, seconds: 10))
        }
    }

    @Test func badConfigurationIsNamedByLine() async throws {
        try await SwitchboardHomeFixture.with(configuration: "adapters: {}\nretension: { text_days: 3 }\n") { home in
            for arguments in [["up"], ["up", "--detach"], ["config", "check"]] {
                let outcome = try await home.run(try home.command("switchboard", arguments))
                #expect(outcome.status == .exited(1))
                #expect(outcome.errors.contains("switchboard.yaml:2:1"), "\(arguments): \(outcome.errors)")
                #expect(outcome.errors.contains("`retention`"))
            }
        }
    }

    @Test func missingAdapterProgramIsShownAndTheRestRuns() async throws {
        try await SwitchboardHomeFixture.with(configuration: "adapters: { nowhere: {} }\n") { home in
            let (_, output) = try await home.up()
            #expect(output.text.contains("there is no program switchboard-nowhere"))
            let status = try await home.switchboard("status")
            #expect(status.status == .exited(2))
            #expect(status.output.contains("nowhere"))
        }
    }
}
