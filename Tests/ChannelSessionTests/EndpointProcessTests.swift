import BusProtocol
import ChannelEvents
import JSON
import OperatingHome
import SwitchboardTesting
import Testing

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The real `switchboard mcp`, spoken to as Claude Code speaks to it.
@Suite("switchboard mcp, the process", .serialized, .timeLimit(.minutes(2)))
struct EndpointProcessTests {
    /// A home of its own, gone with it.
    private final class Home: Sendable {
        let path: String
        init() throws {
            var template = Array("/tmp/sb-mcp-XXXXXX".utf8CString)
            try #require(mkdtemp(&template) != nil)
            path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }

        deinit { Self.remove(path) }

        private static func remove(_ path: String) {
            if let folder = opendir(path) {
                while let entry = readdir(folder) {
                    let name = withUnsafePointer(to: &entry.pointee.d_name) {
                        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                    }
                    if name != ".", name != ".." { remove(path + "/" + name) }
                }
                closedir(folder)
                rmdir(path)
            } else {
                unlink(path)
            }
        }

        /// The folder is there, so that nothing has to be made; a session must not have made anything in it.
        var isUntouched: Bool { access(path + "/run", F_OK) != 0 && access(path + "/logs", F_OK) != 0 }

        func session(_ arguments: [String] = ["mcp", "--no-start"], project: String = "/tmp/api") throws
            -> ScriptedSession
        {
            try ScriptedSession(
                BuiltProgram.path("switchboard"), arguments, environment: ["SWITCHBOARD_HOME": path], project: project)
        }

        func router(epoch: UInt64, answers: (@Sendable (Call) -> Answer.Outcome)? = nil) throws -> StandInRouter {
            let places = Places(home: path)
            try places.prepare()
            return try StandInRouter(places.routerSocket, epoch: epoch, answers: answers)
        }
    }

    private func ends(_ session: ScriptedSession, within limit: Duration = .seconds(1)) async throws {
        let status = try await session.ended(within: limit)
        #expect(status == .exited(0))
        #expect(session.strayLines.isEmpty)
    }

    @Test("Probe and initialize in one process, no file before `initialized`, and an exit within a second of the end")
    func opening() async throws {
        let home = try Home()
        let session = try home.session()
        try session.request("server/discover", [:], id: "server-discover-probe-1")
        #expect(try await session.response(to: "server-discover-probe-1")["error"]?["code"] == -32601)
        try session.request("initialize", ["protocolVersion": "2025-11-25"], id: 0)
        #expect(try await session.response(to: 0)["result"]?["protocolVersion"] == "2025-11-25")
        try session.request("tools/list", id: 1)
        #expect(try await session.response(to: 1)["result"]?["tools"]?.arrayValue?.count == 11)
        #expect(home.isUntouched)
        session.closeInput()
        try await ends(session)
        #expect(home.isUntouched)
    }

    @Test("A second process beside a probed one: both open, both end")
    func twoInstances() async throws {
        let home = try Home()
        let probe = try home.session()
        try probe.request("server/discover", [:], id: "p")
        _ = try await probe.response(to: "p")
        let first = try home.session()
        let second = try home.session()
        #expect(try await first.open().tools.count == 11)
        #expect(try await second.open().tools.count == 11)
        for session in [probe, first, second] {
            session.closeInput()
            try await ends(session)
        }
    }

    @Test("It ends within a second of a signal", arguments: [SIGTERM, SIGINT, SIGHUP])
    func signals(number: Int32) async throws {
        let home = try Home()
        let session = try home.session()
        try await session.open()
        session.signal(number)
        try await ends(session)
    }

    @Test("It ends within a second when its output is closed, and no SIGPIPE kills it")
    func closedOutput() async throws {
        let home = try Home()
        var command = ChildCommand(
            try BuiltProgram.path("switchboard"), ["mcp", "--no-start"], environment: ["SWITCHBOARD_HOME": home.path],
            hasLifeline: false)
        command.input = .pipe
        command.output = .pipe
        command.errors = .null
        let child = try ChildProcess.start(command)
        let (input, output) = (try #require(child.input), try #require(child.output))
        close(output)
        let line = #"{"jsonrpc":"2.0","id":1,"method":"ping"}"# + "\n"
        #expect(write(input, line, line.utf8.count) == line.utf8.count)
        #expect(await child.exit() == .exited(0))
        close(input)
    }

    @Test("It ends within a second of its input's end though nobody reads its output")
    func unreadOutput() async throws {
        let home = try Home()
        var command = ChildCommand(
            try BuiltProgram.path("switchboard"), ["mcp", "--no-start"], environment: ["SWITCHBOARD_HOME": home.path],
            hasLifeline: false)
        command.input = .pipe
        command.output = .pipe
        command.errors = .null
        let child = try ChildProcess.start(command)
        let (input, output) = (try #require(child.input), try #require(child.output))
        let initialize = #"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{}}"# + "\n"
        // Each answer is larger than its question, so together they are more than a pipe holds.
        for _ in 0..<200 { _ = write(input, initialize, initialize.utf8.count) }
        let start = ContinuousClock.now
        close(input)
        #expect(await child.exit() == .exited(0))
        #expect(ContinuousClock.now - start < .seconds(1))
        close(output)
    }

    @Test("A 5 MB line, a line that is none, bytes one at a time: answered, and the session goes on")
    func lines() async throws {
        let home = try Home()
        let session = try home.session()
        try await session.open()
        let padding = String(repeating: "x", count: 5 << 20)
        try session.request("ping", ["padding": .string(padding)], id: "large")
        #expect(try await session.response(to: "large")["result"] == [:])
        try session.send(raw: Array("nonsense\n\r\n".utf8))
        for byte in #"{"jsonrpc":"2.0","id":"slow","method":"ping"}"#.utf8 { try session.send(raw: [byte]) }
        try session.send(raw: Array("\r\n".utf8))
        #expect(try await session.response(to: "slow")["result"] == [:])
        session.closeInput()
        try await ends(session)
    }

    @Test("Events come as channel notifications, receipts go back; a restarted router writes nothing twice")
    func routerRestart() async throws {
        let home = try Home()
        let first = try home.router(epoch: 1)
        let session = try home.session(["mcp", "--no-start", "--session", "web"])
        try await session.open()
        let hello = try #require(await first.wait { !$0.hellos.isEmpty }.hellos.first)
        #expect(hello.name == "web")
        #expect(hello.project == "/tmp/api")
        #expect(hello.pid == Int64(session.pid))
        #expect(hello.parent == Int64(getpid()))
        #expect(hello.credit == 256)

        first.deliver([try .test(1, "one"), try .test(2, "two")])
        #expect(try await session.channelEvents(2).map(\.content) == ["one", "two"])
        let notes = await first.wait { $0.receipts.flatMap(\.written).count == 2 }
        #expect(notes.receipts.flatMap(\.written) == [1, 2])

        // A call under way when the router goes is asked again of the next one.
        let call = try session.begin("conversations", [:], use: "toolu_restart")
        #expect(await first.wait { !$0.calls.isEmpty }.calls.map(\.id) == ["toolu_restart"])
        first.stop()
        let second = try home.router(epoch: 2) { _ in .success(["conversations": []]) }
        let again = try #require(await second.wait { !$0.hellos.isEmpty }.hellos.first)
        #expect(again.instance == hello.instance)
        #expect(again.written == [1, 2])
        #expect(try await session.response(to: call)["result"]?["isError"] == false)

        second.deliver([try .test(2, "two"), try .test(3, "three")])
        #expect(try await session.channelEvents(3).map(\.content) == ["one", "two", "three"])
        // Two says it was written already, three once it is: which receipt comes first is the writer's affair.
        let written = await second.wait { Set($0.receipts.flatMap(\.written)).isSuperset(of: [2, 3]) }
        #expect(Set(written.receipts.flatMap(\.written)) == [2, 3])
        session.closeInput()
        try await ends(session)
        #expect(await !second.wait { !$0.farewells.isEmpty }.farewells.isEmpty)
        second.stop()
    }

    @Test("Ten thousand events of any size come whole and in order, each with its receipt")
    func many() async throws {
        let home = try Home()
        let router = try home.router(epoch: 1)
        let session = try home.session()
        try await session.open()
        _ = await router.wait { !$0.hellos.isEmpty }
        let total = 10_000
        for start in stride(from: 0, to: total, by: 200) {
            router.deliver(
                try (start..<start + 200).map { try .test(Int64($0), String(repeating: "é<channel>", count: $0 % 97)) })
            // No more under way than the endpoint's credit.
            _ = await router.wait { $0.receipts.reduce(0) { $0 + $1.written.count } >= start + 200 }
        }
        let events = try await session.channelEvents(total)
        #expect(events.count == total)
        #expect(events.enumerated().allSatisfy { $1.meta["message_id"] == "e\($0)" })
        #expect(events.enumerated().allSatisfy { $1.content == String(repeating: "é‹channel>", count: $0 % 97) })
        session.closeInput()
        try await ends(session)
        router.stop()
    }
}
