import JSON
import OperatingHome
import SwitchboardTesting
import Testing

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Two of what there may be one of, leftovers, wrong input: handled, or an error that names the other process or the line.
@Suite struct BadLuckTests {
    private static let bare = "adapters: {}\n"
    private static let webhook = MainJobTests.configuration

    private static func output(of child: ChildProcess) throws -> ProgramOutput {
        guard let errors = child.errors else { throw SwitchboardHomeFixture.Failure(description: "no pipe") }
        return try ProgramOutput(errors)
    }

    /// Starts a router by itself, without a supervisor, and returns when it answers.
    private static func router(_ home: SwitchboardHomeFixture) async throws -> ChildProcess {
        var command = try home.command("switchboard-router")
        command.errors = .pipe
        let child = try home.start(command)
        guard await (try output(of: child)).waitFor("router is up") else {
            throw SwitchboardHomeFixture.Failure(description: "the router ended: \(await child.exit())")
        }
        return child
    }

    private static func webhook(_ home: SwitchboardHomeFixture) async throws -> ChildProcess {
        var command = try home.command("switchboard-webhook")
        command.output = .file(home.places.logFile("webhook"))
        command.mergesErrors = true
        let child = try home.start(command)
        try await TestTimeout.until("the webhook is up") {
            do { return try await HTTPProbe(port: home.webhookPort).get("/healthz").status == 200 } catch {
                return false
            }
        }
        return child
    }

    // MARK: Two of one

    @Test func secondRouterNamesTheFirst() async throws {
        try await SwitchboardHomeFixture.with(configuration: Self.bare) { home in
            let first = try await Self.router(home)
            let second = try await home.run(try home.command("switchboard-router"))
            #expect(second.status == .exited(1))
            #expect(second.errors.contains("process \(first.pid)"), "\(second.errors)")
            let up = try await home.switchboard("up")
            #expect(up.status == .exited(1))
            #expect(up.errors.contains("\(first.pid)"), "\(up.errors)")
            // The first one is not disturbed.
            #expect(try await home.json("status")["router"]?["pid"]?.integerValue == Int64(first.pid))
        }
    }

    @Test func secondAdapterOfASourceNamesTheHolder() async throws {
        try await SwitchboardHomeFixture.with(configuration: Self.webhook) { home in
            _ = try await Self.router(home)
            let first = try await Self.webhook(home)
            let second = try await home.run(try home.command("switchboard-webhook"))
            #expect(second.status == .exited(75))
            #expect(second.errors.contains("process \(first.pid)"), "\(second.errors)")
            #expect(try await MainJobTests.curl(home, "still the first").status == 202)
        }
    }

    @Test func wrongSourceKeyIsRefused() async throws {
        try await SwitchboardHomeFixture.with(configuration: Self.webhook) { home in
            _ = try await Self.router(home)
            _ = try SourceKey.load("webhook", places: home.places)
            var stranger = try home.command("switchboard-webhook")
            stranger.environment["SWITCHBOARD_SOURCE_KEY"] = String(repeating: "0", count: 64)
            let outcome = try await home.run(stranger)
            #expect(outcome.status == .exited(77))
            #expect(outcome.errors.contains("key of the source webhook"), "\(outcome.errors)")
            #expect(try await home.json("status")["counters"]?["rejected.source-key"]?.integerValue == 1)
        }
    }

    // MARK: Leftovers and places

    @Test func socketsOfADeadRouterAreReplaced() async throws {
        try await SwitchboardHomeFixture.with(configuration: Self.bare) { home in
            let first = try await Self.router(home)
            first.signal(SIGKILL)
            _ = await first.exit()
            #expect(access(home.places.routerSocket, F_OK) == 0, "a killed process leaves its socket file")
            let second = try await Self.router(home)
            #expect(try await home.json("status")["router"]?["pid"]?.integerValue == Int64(second.pid))
        }
    }

    @Test func fileInTheWayOfASocketIsNamedAndKept() async throws {
        try await SwitchboardHomeFixture.with(configuration: Self.bare) { home in
            try home.places.prepare()
            let file = open(home.places.routerSocket, O_WRONLY | O_CREAT, 0o600)
            #expect(file >= 0 && close(file) == 0)
            let outcome = try await home.run(try home.command("switchboard-router"))
            #expect(outcome.status == .exited(1))
            #expect(outcome.errors.contains(home.places.routerSocket), "\(outcome.errors)")
            #expect(access(home.places.routerSocket, F_OK) == 0)
        }
    }

    @Test func homeTooDeepForASocketWorks() async throws {
        try await SwitchboardHomeFixture.with(configuration: Self.bare) { home in
            let deep =
                home.places.configuration + "/" + String(repeating: "d", count: 60) + "/"
                + String(repeating: "e", count: 60)
            let places = Places(home: deep)
            #expect(places.sockets != places.run)
            try places.prepare()
            #expect(link(home.places.configurationFile, places.configurationFile) == 0)
            for (arguments, text) in [(["up", "--detach"], "runs"), (["status"], "router"), (["up", "--stop"], "")] {
                var command = try home.command("switchboard", arguments)
                command.environment["SWITCHBOARD_HOME"] = deep
                let outcome = try await home.run(command)
                #expect(outcome.status == .exited(0), "\(arguments): \(outcome.errors)")
                #expect(
                    (outcome.output + outcome.errors).contains(text) || text.isEmpty, "\(arguments): \(outcome.output)")
            }
            #expect(rmdir(places.sockets) == 0, "the sockets of a router that ended are gone")
        }
    }

    // MARK: Wrong input

    @Test(arguments: [
        ("adapters: { webhook: { listen: \"127.0.0.1:1\"\n", ":2:1"),
        ("adapters: {}\ndelivery:\n  attach_settle: soon\n", ":3:18"),
        ("adapters: {}\nroutes:\n  - { match: { sorce: ci }, to: web }\n", ":3:16"),
    ])
    func badYAMLIsNamedByLineAndColumn(_ text: String, place: String) async throws {
        try await SwitchboardHomeFixture.with(configuration: text) { home in
            for arguments in [["up"], ["config", "check"]] {
                let outcome = try await home.run(try home.command("switchboard", arguments))
                #expect(outcome.status == .exited(1))
                #expect(outcome.errors.contains("switchboard.yaml\(place)"), "\(outcome.errors)")
            }
        }
    }

    @Test func missingSecretIsNamedByItsKeyAndMends() async throws {
        let configuration = """
            adapters: { webhook: { listen: "127.0.0.1:{port}", routes: { ci: { secret: "env:NO_SUCH_SECRET" } } } }

            """
        try await SwitchboardHomeFixture.with(configuration: configuration) { home in
            let (_, output) = try await home.up()
            #expect(output.text.contains("NO_SUCH_SECRET"))
            let status = try await home.switchboard("status")
            #expect(status.status == .exited(2))
            let source = try await home.run(try home.command("switchboard", ["status", "--json"])).output
            let reason = try JSONValue(parsing: source)["sources"]?.arrayValue?.first?["reason"]?.stringValue ?? ""
            #expect(reason.contains("NO_SUCH_SECRET") && reason.contains("routes.ci.secret"), "\(reason)")
        }
    }

    // MARK: Processes that are gone

    @Test func hookWhoseRouterIsAwayAnswers503AndWorksAgain() async throws {
        try await SwitchboardHomeFixture.with(configuration: Self.webhook) { home in
            let first = try await Self.router(home)
            _ = try await Self.webhook(home)
            #expect(try await MainJobTests.curl(home, "one").status == 202)
            first.signal(SIGKILL)
            _ = await first.exit()
            let probe = HTTPProbe(port: home.webhookPort)
            let refused = try await probe.post("/hooks/ci", "two", headers: ["Idempotency-Key": "2"])
            #expect(refused.status == 503)
            #expect(refused.headers["retry-after"].flatMap { Int($0) } != nil)
            _ = try await Self.router(home)
            let taken = try await probe.post("/hooks/ci", "two", headers: ["Idempotency-Key": "2"])
            #expect(taken.status == 202 || taken.status == 200, "\(taken)")
            let history = try await home.json("history")
            #expect(history["events"]?.arrayValue?.compactMap { $0["text"]?.stringValue } == ["one", "two"])
        }
    }

    @Test func childrenEndWithAKilledSupervisor() async throws {
        try await SwitchboardHomeFixture.with(configuration: Self.webhook) { home in
            let (supervisor, _) = try await home.up()
            #expect(try await MainJobTests.curl(home, "one").status == 202)
            supervisor.signal(SIGKILL)
            _ = await supervisor.exit()
            #expect(try FileLock.waitUntilFree(home.places.routerLock, seconds: 10))
            try await TestTimeout.until("the webhook lets go of its port") {
                do {
                    _ = try await HTTPProbe(port: home.webhookPort).get("/healthz")
                    return false
                } catch { return true }
            }
            // What was acknowledged is there for the next one.
            try await home.up()
            let session = try await home.session("web")
            #expect(try await session.channelEvents(1).map(\.content) == ["one"])
            session.closeInput()
        }
    }
}
