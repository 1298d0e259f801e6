import JSON
import OperatingHome
import SwitchboardTesting
import Testing

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A disk that is full: intake stops and says so, nothing acknowledged is lost, and it goes on by itself when there is
/// room. The disk is a small one of the test's own, in a mount namespace: Linux, and the right to make one.
@Suite struct FullDiskTests {
    @Test(.enabled("needs a mount namespace") { await SmallDisk.isPossible })
    func intakeStopsAndGoesOn() async throws {
        try await SwitchboardHomeFixture.with(configuration: MainJobTests.configuration) { home in
            let disk = try await SmallDisk.up(home, megabytes: 4)
            let probe = HTTPProbe(port: home.webhookPort)
            var taken: [String] = []
            func post(_ text: String) async throws -> HTTPProbe.Answer {
                let answer = try await probe.post("/hooks/ci", text)
                if answer.status == 202 { taken.append(text) }
                return answer
            }
            #expect(try await post("before").status == 202)

            try disk.fill()
            // The store's own files have some room left in them; then it is full.
            let padding = String(repeating: "x", count: 50_000)
            var refused: HTTPProbe.Answer?
            for number in 1...200 where refused == nil {
                let answer = try await post("\(number) \(padding)")
                if answer.status != 202 { refused = answer }
            }
            let answer = try #require(refused, "the disk never got full")
            #expect(answer.status == 503)
            #expect(answer.headers["retry-after"] != nil)

            let outcome = try await home.switchboard("status", "--json")
            #expect(outcome.status == .exited(2))
            let store = try JSONValue(parsing: outcome.output)["store"]
            #expect(store?["state"] == "full", "\(outcome.output)")
            #expect(store?["reason"]?.stringValue?.isEmpty == false)
            let shown = try await home.switchboard("status")
            #expect(shown.output.contains("full"), "\(shown.output)")
            #expect(try await post("meanwhile").status == 503)

            try disk.free()
            try await TestTimeout.until("intake to go on by itself") { try await post("after").status == 202 }
            #expect(try await home.json("status")["store"]?["state"] == "ok")

            let session = try await home.session("web")
            _ = try await session.channelEvent { $0.content == "after" }
            let contents = session.channelEvents.map(\.content)
            // What was refused may have been stored all the same when its answer was lost; what was taken must be.
            #expect(contents.filter(Set(taken).contains) == taken)
            #expect(Set(contents).count == contents.count, "nothing came twice")
            session.closeInput()
        }
    }
}

/// A few megabytes for a home's state, which only the processes started on it see.
struct SmallDisk {
    /// Where the test finds it: the root of a process that has it mounted.
    private let ballast: String

    /// Asked as a task, since it runs programs.
    static var isPossible: Bool {
        get async { await options != nil }
    }

    /// Options of `unshare` that allow this user to mount.
    private static var options: [String]? {
        get async {
            do {
                guard let program = try ProgramFinder.find("unshare") else { return nil }
                for options in [["-m"], ["-rm"]] {
                    var command = ChildCommand(program, options + ["mount", "-t", "tmpfs", "none", "/tmp"])
                    command.errors = .null
                    command.hasLifeline = false
                    if await (try ChildProcess.start(command)).exit().isSuccess { return options }
                }
                return nil
            } catch {
                return nil
            }
        }
    }

    /// `switchboard up` with the state on a disk of so many megabytes.
    static func up(_ home: SwitchboardHomeFixture, megabytes: Int) async throws -> SmallDisk {
        try home.places.prepare()
        guard let options = await options, let program = try ProgramFinder.find("unshare") else {
            throw SwitchboardHomeFixture.Failure(description: "no mount namespace")
        }
        let state = home.places.state
        let script = "mount -t tmpfs -o size=\(megabytes)m,mode=700 none \"$1\" && shift && exec \"$@\""
        let up = try home.command("switchboard", ["up"])
        var command = ChildCommand(
            program, options + ["sh", "-c", script, "sh", state, up.program] + up.arguments, environment: up.environment
        )
        command.output = .pipe
        command.errors = .file(home.places.configuration + "/up.stderr")
        let child = try home.start(command)
        guard let file = child.output, await (try ProgramOutput(file)).waitFor("Bring Claude Code in") else {
            throw SwitchboardHomeFixture.Failure(description: "switchboard up ended: \(await child.exit())")
        }
        return SmallDisk(ballast: "/proc/\(child.pid)/root\(state)/ballast")
    }

    /// Takes all the room there is.
    func fill() throws {
        let file = open(ballast, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw SwitchboardHomeFixture.Failure(description: "\(ballast): \(errno)") }
        defer { close(file) }
        let block = [UInt8](repeating: 1, count: 4_096)
        while write(file, block, block.count) > 0 {}
        guard errno == ENOSPC else { throw SwitchboardHomeFixture.Failure(description: "not full: \(errno)") }
    }

    func free() throws {
        guard unlink(ballast) == 0 else { throw SwitchboardHomeFixture.Failure(description: "\(ballast): \(errno)") }
    }
}
