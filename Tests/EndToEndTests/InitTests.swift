#if os(Linux)
    import Glibc
    import JSON
    import OperatingHome
    import SwitchboardTesting
    import Testing

    /// `switchboard init` at a terminal (`script` makes one) with a real adapter and its platform's simulator.
    @Suite(.serialized) struct InitTests {
        static let token = "7:simulated-token-of-nobody"

        /// Types lines into a command at a terminal, and gives what it showed.
        private func type(
            _ answers: [(prompt: String, line: String)], into line: String, _ home: SwitchboardHomeFixture
        ) async throws -> (
            shown: String, status: OperatingHome.ExitStatus
        ) {
            let programs = try SwitchboardHomeFixture.programs()
            var command = ChildCommand(
                try ProgramFinder.require("script"), ["-qefc", "\(programs)/\(line)", "/dev/null"],
                environment: home.environment)
            command.environment["HOME"] = home.places.configuration
            command.input = .pipe
            command.output = .pipe
            command.hasLifeline = false
            let child = try home.start(command)
            guard let file = child.output, let input = child.input else {
                throw SwitchboardHomeFixture.Failure(description: "no pipes")
            }
            let output = try ProgramOutput(file)
            for (prompt, line) in answers {
                guard await output.waitFor(prompt) else { break }
                let bytes = Array((line + "\n").utf8)
                guard write(input, bytes, bytes.count) == bytes.count else { break }
            }
            let status = await child.exit()
            return (await output.all(), status)
        }

        private func simulator(_ home: SwitchboardHomeFixture) async throws -> String {
            var command = try home.command("telegram-simulator", ["--port", "0"])
            command.input = .pipe
            command.output = .pipe
            let child = try home.start(command)
            guard let file = child.output else { throw SwitchboardHomeFixture.Failure(description: "no pipe") }
            let output = try ProgramOutput(file)
            guard await output.waitFor("with the bot"),
                let text = output.text.split(separator: "http://").dropFirst().first
            else { throw SwitchboardHomeFixture.Failure(description: "no simulator") }
            return "http://" + text.prefix { $0.isNumber || $0 == "." || $0 == ":" }
        }

        @Test(.timeLimit(.minutes(3))) func anAdapterIsSetUpAndTheRunningSwitchboardStartsIt() async throws {
            try await SwitchboardHomeFixture.with { home in
                let base = try await simulator(home)
                try await home.up()
                let (shown, status) = try await type(
                    [("token?", Self.token)], into: "switchboard init telegram --set api_base=\(base)", home)
                #expect(status == .exited(0), "\(shown)")
                #expect(shown.contains("https://t.me/simulated_bot"))
                #expect(!shown.contains(Self.token))
                try await TestTimeout.until("the adapter to be up") {
                    let sources = try await home.json("status")["sources"]?.arrayValue ?? []
                    return sources.contains { $0["name"] == "telegram" && $0["state"] == "up" }
                }
                let file = String(
                    decoding: try SmallFile.read(home.places.configurationFile, limit: 65_536) ?? [], as: UTF8.self)
                #expect(file.contains("webhook"))
                #expect(!file.contains(Self.token))
                let secrets = try SmallFile.read(home.places.secretsFile, limit: 65_536) ?? []
                #expect(String(decoding: secrets, as: UTF8.self) == "TELEGRAM_TOKEN=\(Self.token)\n")
                #expect(!home.logs.contains(Self.token))
            }
        }

        /// From the official plugin's set-up to the first reply.
        @Test(.timeLimit(.minutes(3))) func theOfficialPluginsBotIsTakenOver() async throws {
            let configuration = """
                adapters: { webhook: { listen: "127.0.0.1:{port}" } }
                delivery: { attach_settle: 0s, first_push_wait: 0s }

                """
            try await SwitchboardHomeFixture.with(configuration: configuration) { home in
                let base = try await simulator(home)
                let folder = "\(home.places.configuration)/.claude/channels/telegram"
                _ = try await home.run("mkdir", ["-p", folder])
                try PrivateFile.replace("\(folder)/.env", Array("TELEGRAM_BOT_TOKEN=\(Self.token)\n".utf8))
                try PrivateFile.replace("\(folder)/access.json", Array(#"{"allowFrom":["42"]}"#.utf8))
                try await home.up()
                let session = try await home.session("api")
                let (shown, status) = try await type(
                    [("Take over", "y")], into: "switchboard init telegram --set api_base=\(base)", home)
                #expect(status == .exited(0), "\(shown)")
                #expect(shown.contains("claude plugin disable"))

                let port = try #require(base.split(separator: ":").last.flatMap { UInt16($0) })
                let probe = HTTPProbe(port: port)
                _ = try await probe.post("/simulator/say", #"{"from":42,"text":"how is the build?"}"#)
                let event = try await session.channelEvents(1)[0]
                #expect(event.content == "how is the build?")
                #expect(event.meta["chat_id"] == "telegram:42")
                #expect(event.meta["message_id"] == "42/1")
                let result = try await session.call("reply", ["chat_id": "telegram:42", "text": "**green**"])
                #expect(MainJobTests.status(of: result) == "sent")
                let answer = try JSONValue(parsing: try await probe.post("/simulator/shown", #"{"chat":42}"#).body)
                let message = try #require(answer["result"]?.arrayValue?.first { $0["text"] == "green" })
                #expect(message["entities"] == [["type": "bold", "offset": 0, "length": 5]])
            }
        }

        @Test(.timeLimit(.minutes(3))) func aWrongTokenChangesNothing() async throws {
            try await SwitchboardHomeFixture.with { home in
                let base = try await simulator(home)
                let before = try SmallFile.read(home.places.configurationFile, limit: 65_536)
                let (shown, status) = try await type(
                    [("token?", "7:a-token-of-somebody-else"), ("again?", "n")],
                    into: "switchboard init telegram --set api_base=\(base)", home)
                #expect(status != .exited(0))
                #expect(shown.contains("does not know this token"))
                #expect(try SmallFile.read(home.places.configurationFile, limit: 65_536) == before)
                #expect(try SmallFile.read(home.places.secretsFile, limit: 65_536) == nil)
            }
        }

        @Test func withoutATerminalNothingIsSetUp() async throws {
            try await SwitchboardHomeFixture.with { home in
                let outcome = try await home.switchboard("init", "telegram")
                #expect(!outcome.status.isSuccess)
                #expect(outcome.errors.contains("switchboard init telegram"))
            }
        }
    }
#endif
