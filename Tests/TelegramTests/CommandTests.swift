import AdapterKit
import Synchronization
import Testing

@testable import switchboard_telegram

@Suite struct CommandTests {
    func executor(_ server: StandInServer, moves: SharedMoves = SharedMoves()) -> CommandExecutor {
        CommandExecutor(server: server, taps: TapAnswers(server: server), moves: moves)
    }

    @Test func aReplyNamesWhatItAnswers() async {
        let server = StandInServer()
        var command = PlatformCommand(key: "1", verb: "send", chat: "42", arguments: ["text": "hi"])
        command.replyTo = "42/88"
        #expect(await executor(server).execute(command) == .sent(ids: ["42/1"]))
        #expect(server.calls.first?.parameters["reply_parameters"]?["message_id"] == 88)
        #expect(server.calls.first?.parameters["chat_id"] == 42)
    }

    @Test func eventIDsAreTakenForMessages() async {
        let server = StandInServer()
        let executor = executor(server)
        let react = PlatformCommand(key: "1", verb: "react", chat: "42", arguments: ["id": "42/88", "emoji": "✅"])
        #expect(await executor.execute(react) == .sent(ids: []))
        #expect(server.calls.last?.parameters["message_id"] == 88)
        #expect(server.calls.last?.parameters["reaction"] == [["type": "emoji", "emoji": "👌"]])
        let other = PlatformCommand(key: "2", verb: "react", chat: "42", arguments: ["id": "43/88", "emoji": "✅"])
        guard case .rejected = await executor.execute(other) else {
            Issue.record("a message of another chat was reacted to")
            return
        }
    }

    @Test func aGroupThatMovedIsFound() async {
        let server = StandInServer { call in
            guard call.parameters["chat_id"] == -5 else { return .success(["message_id": 3]) }
            return .failure(CallFailure(cause: .refused(400), reason: "upgraded", migratedTo: -1005))
        }
        let moves = SharedMoves()
        var command = PlatformCommand(key: "1", verb: "send", chat: "-5", arguments: ["text": "hi"])
        command.replyTo = "-5/88"
        #expect(await executor(server, moves: moves).execute(command) == .sent(ids: ["-1005/3"]))
        #expect(server.calls.count == 2)
        #expect(moves.value.id(of: "-1005") == "-5")
    }

    @Test func aLongTextThatBreaksOffIsUnknown() async {
        let server = StandInServer { call in
            call.parameters["text"]?.stringValue?.hasPrefix("b") == true
                ? .failure(CallFailure(cause: .refused(429), reason: "flood", retryAfter: 7))
                : .success(["message_id": 1])
        }
        let text = String(repeating: "a", count: 4095) + "\n" + String(repeating: "b", count: 100)
        let command = PlatformCommand(key: "1", verb: "send", chat: "42", arguments: ["text": .string(text)])
        guard case .unknown = await executor(server).execute(command) else {
            Issue.record("half a text was called sent or to be sent again")
            return
        }
    }

    @Test func aTapIsAnsweredWithTheRoutersWords() async {
        let server = StandInServer { _ in .success(true) }
        let taps = TapAnswers(server: server)
        taps.begin("q1")
        let executor = CommandExecutor(server: server, taps: taps, moves: SharedMoves())
        let arguments: JSONValue = ["id": "callback/q1", "text": "allowed", "alert": true]
        let command = PlatformCommand(key: "1", verb: "respond", chat: "42", arguments: arguments)
        #expect(await executor.execute(command) == .sent(ids: []))
        #expect(
            server.calls.map(\.parameters) == [["callback_query_id": "q1", "text": "allowed", "show_alert": true]])
    }

    @Test func theDoorIsShutAfterTheLastCommand() async {
        let server = StandInServer()
        let closed = Mutex(0)
        let executor = CommandExecutor(
            server: server, taps: TapAnswers(server: server), moves: SharedMoves(),
            whenIdle: { closed.withLock { $0 += 1 } })
        _ = await executor.execute(PlatformCommand(key: "1", verb: "send", chat: "42", arguments: ["text": "hi"]))
        #expect(closed.withLock { $0 } == 0)
        await executor.stop()
        #expect(closed.withLock { $0 } == 1)
    }

    @Test func aRevokedTokenIsWaitedFor() {
        let revoked = CallFailure(cause: .refused(401), reason: "Unauthorized")
        #expect(CommandExecutor.outcome(revoked) == .retry(after: 60_000, reason: "Unauthorized"))
    }
}
