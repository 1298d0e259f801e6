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

/// What a session can do beside a reply, with real processes.
@Suite(.serialized, .timeLimit(.minutes(4))) struct ToolTests {
    static let configuration = """
        adapters: { scripted: {}, plain: { kind: scripted } }
        access: { scripted: { allow: [ann, eve] }, plain: { allow: [ann] } }
        people: { ann: { owner: true, addresses: ["plain:ann", "scripted:ann"] } }
        delivery: { attach_settle: 0s, first_push_wait: 0s }

        """

    private func with(
        _ body: (SwitchboardHomeFixture, ScriptedPlatform, ScriptedPlatform, ScriptedSession) async throws -> Void
    ) async throws {
        try await SwitchboardHomeFixture.with(configuration: Self.configuration) { home in
            let chat = try ScriptedPlatform(home.places)
            let plain = try ScriptedPlatform(home.places, source: "plain", abilities: Abilities(verbs: ["send"]))
            defer {
                chat.close()
                plain.close()
            }
            try await home.up()
            _ = try await chat.connected()
            _ = try await plain.connected()
            let session = try await home.session("api")
            try await body(home, chat, plain, session)
        }
    }

    @Test func aReactionAndAnEdit() async throws {
        try await with { _, chat, plain, session in
            let asked = chat.say("hello", from: "ann")
            plain.say("hello", from: "ann")
            _ = try await session.channelEvents(2)
            let reacted = try await session.call(
                "react", ["chat_id": "scripted:ann", "message_id": .string(asked), "emoji": "👍"])
            #expect(MainJobTests.status(of: reacted) == "sent")
            let command = try await chat.command { $0.verb == "react" }
            #expect(command.arguments == ["id": .string(asked), "emoji": "👍"])

            let reply = try await session.call("reply", ["chat_id": "scripted:ann", "text": "wrnog"])
            let id = try #require(reply["structuredContent"]?["ids"]?.arrayValue?.first)
            let edited = try await session.call(
                "edit_message", ["chat_id": "scripted:ann", "message_id": id, "text": "right"])
            #expect(MainJobTests.status(of: edited) == "sent")
            #expect(chat.shown(id.stringValue ?? "")?.text == "right")

            // Nobody else's words, and nothing that the platform cannot do.
            let others = try await session.call(
                "edit_message", ["chat_id": "scripted:ann", "message_id": .string(asked), "text": "I am wrong"])
            #expect(others["isError"] == true)
            #expect(others.text.contains("did not send"))
            let poor = try await session.call(
                "react", ["chat_id": "plain:ann", "message_id": "p1", "emoji": "👍"])
            #expect(poor["isError"] == true)
            #expect(poor.text.contains("cannot react"))
            let strange = try await session.call(
                "react", ["chat_id": "scripted:eve", "message_id": "p1", "emoji": "👍"])
            #expect(strange["isError"] == true)
        }
    }

    @Test func aQuestionIsAnsweredWithAButtonOnce() async throws {
        try await with { _, chat, _, session in
            chat.say("deploy", from: "ann")
            _ = try await session.channelEvents(1)
            let asked = try await session.call(
                "ask", ["chat_id": "scripted:ann", "question": "Where to?", "choices": ["staging", "production"]])
            #expect(MainJobTests.status(of: asked) == "sent")
            let shown = try await chat.shown { $0.text == "Where to?" }
            #expect(shown.buttons.map(\.label) == ["staging", "production"])
            // Somebody who is not let in, then twice somebody who is.
            chat.press(shown.buttons[0].action, of: shown.id, in: "ann", by: "mallory")
            chat.press(shown.buttons[1].action, of: shown.id, in: "ann", by: "ann")
            chat.press(shown.buttons[0].action, of: shown.id, in: "ann", by: "ann")
            chat.say("done?", from: "ann")
            let events = try await session.channelEvents(3)
            #expect(events.map(\.content) == ["deploy", "production", "done?"])
            #expect(events[1].meta["kind"] == "answer")
            #expect(events[1].meta["reply_to"] == shown.id)
            let closed = try await chat.shown { $0.id == shown.id && $0.edits > 0 }
            #expect(closed.text.contains("✔ production"))
            #expect(closed.buttons.isEmpty)
        }
    }

    @Test func withoutButtonsANumberAnswers() async throws {
        try await with { _, _, plain, session in
            plain.say("deploy", from: "ann")
            _ = try await session.channelEvents(1)
            let asked = try await session.call(
                "ask", ["chat_id": "plain:ann", "question": "Where to?", "choices": ["staging", "production"]])
            #expect(asked.text.contains("no buttons"))
            let shown = try await plain.shown { $0.text.contains("2. production") }
            plain.say("7", from: "ann")
            plain.say("2", from: "ann")
            plain.say("1", from: "ann")
            let events = try await session.channelEvents(4)
            #expect(events.map(\.content) == ["deploy", "7", "production", "1"])
            #expect(events.map { $0.meta["kind"] } == [nil, nil, "answer", nil])
            #expect(events[2].meta["reply_to"] == shown.id)
        }
    }

    @Test func progressIsOneSilentLine() async throws {
        try await with { _, chat, _, session in
            chat.say("build", from: "ann")
            _ = try await session.channelEvents(1)
            for step in 1...5 {
                let result = try await session.call(
                    "progress", ["chat_id": "scripted:ann", "text": .string("step \(step) of 5")])
                #expect(result["isError"] != true)
            }
            // The budget holds the changes together: the last one is shown, in the same message.
            let line = try await chat.shown { $0.text.contains("step 5 of 5") && $0.edits > 0 }
            #expect(line.edits == 1)
            #expect(chat.commands.filter { $0.verb == "send" }.count == 1)
            #expect(chat.commands.first { $0.verb == "send" }?.arguments["silent"] == true)
        }
    }

    @Test func passNeedsNoAnswer() async throws {
        try await with { home, chat, _, session in
            chat.say("thanks", from: "ann")
            let event = try await session.channelEvents(1)[0]
            let passed = try await session.call(
                "pass", ["event_id": .string(try #require(event.meta["event_id"]))])
            #expect(passed["structuredContent"]?["status"] == "passed")
            #expect(chat.commands.filter { $0.verb == "send" }.isEmpty)
            let history = try await home.switchboard("history", "--json")
            #expect(history.output.contains("\"passed\""), "\(history.output)")
            let wrong = try await session.call("pass")
            #expect(wrong["isError"] == true)
        }
    }

    @Test func theOwnerIsToldUnasked() async throws {
        try await with { _, chat, plain, session in
            // Only one of the owner's addresses has a conversation yet.
            let early = try await session.call("notify", ["text": "done"])
            #expect(early["isError"] == true)
            #expect(early.text.contains("writes to the bot once"))
            chat.say("hi", from: "ann")
            _ = try await session.channelEvents(1)
            let told = try await session.call("notify", ["text": "the build is **done**"])
            #expect(MainJobTests.status(of: told) == "sent")
            _ = try await chat.shown { $0.text.contains("the build is") }
            // The first address counts as soon as it can be reached.
            plain.say("hi", from: "ann")
            _ = try await session.channelEvents(2)
            _ = try await session.call("notify", ["text": "deployed"])
            _ = try await plain.shown { $0.text.contains("deployed") }
        }
    }

    @Test func whatWasSaidBeforeComesFromThePlatform() async throws {
        try await with { _, chat, plain, session in
            chat.remember(
                (1...30).map { number in
                    Event(
                        head: EventHead(
                            id: "old\(number)", chat: "ann", sender: number == 29 ? "mallory" : "ann", flags: .direct,
                            time: 1_700_000_000_000 + Int64(number)), body: EventBody(text: "old words \(number)"))
                })
            let before = try await session.call("fetch_messages", ["chat_id": "scripted:ann"])
            #expect(!before.text.contains("old words"), "nothing was delivered from there yet")
            chat.say("what did we say?", from: "ann")
            plain.say("and here?", from: "ann")
            _ = try await session.channelEvents(2)
            let newest = try await session.call("fetch_messages", ["chat_id": "scripted:ann", "limit": 5])
            #expect(newest.text.contains("old words 30"))
            #expect(newest.text.contains("old words 26"))
            #expect(!newest.text.contains("old words 29"), "a stranger's words came in")
            #expect(newest.text.contains("not let in"))
            let older = try await session.call(
                "fetch_messages", ["chat_id": "scripted:ann", "limit": 5, "before_id": "old26"])
            #expect(older.text.contains("old words 25"))
            #expect(!older.text.contains("old words 26"))
            // A platform without a history: what was delivered.
            let stored = try await session.call("fetch_messages", ["chat_id": "plain:ann"])
            #expect(stored.text.contains("and here?"))
        }
    }
}
