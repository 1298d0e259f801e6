import BusProtocol
import JSON
import SwitchboardTesting
import Testing

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The scripted chat itself: a wrong stage must not make wrong programs pass.
@Suite(.serialized) struct ScriptedChatTests {
    static let configuration = """
        adapters: { scripted: {}, plain: { kind: scripted } }
        access: { scripted: { allow: [ann] }, plain: { allow: [ann] } }
        delivery: { attach_settle: 0s, first_push_wait: 0s }

        """

    private func with(_ body: (SwitchboardHomeFixture, ScriptedPlatform, ScriptedPlatform) async throws -> Void)
        async throws
    {
        try await SwitchboardHomeFixture.with(configuration: Self.configuration) { home in
            let chat = try ScriptedPlatform(home.places)
            let plain = try ScriptedPlatform(home.places, source: "plain", abilities: Abilities(verbs: ["send"]))
            defer {
                chat.close()
                plain.close()
            }
            try await home.up()
            try await body(home, chat, plain)
        }
    }

    @Test func aMessageGoesInAndItsReplyIsShown() async throws {
        try await with { home, chat, plain in
            let session = try await home.session("api")
            let asked = chat.say("how is the build?", from: "ann")
            let event = try await session.channelEvents(1)[0]
            #expect(event.content == "how is the build?")
            #expect(event.meta["chat_id"] == "scripted:ann")
            #expect(event.meta["message_id"] == asked)

            let result = try await session.call("reply", ["chat_id": "scripted:ann", "text": "green"])
            #expect(MainJobTests.status(of: result) == "sent")
            let shown = try await chat.shown { $0.chat == "ann" && $0.text == "green" }
            #expect(chat.shown(shown.id)?.edits == 0)
            #expect(plain.commands.isEmpty)
        }
    }

    @Test func theTestDecidesTheOutcome() async throws {
        try await with { home, chat, _ in
            chat.answer { command in
                command.arguments["text"]?.stringValue == "bad" ? .rejected(reason: "too rude") : nil
            }
            let session = try await home.session("api")
            chat.say("hello", from: "ann")
            _ = try await session.channelEvents(1)
            let result = try await session.call("reply", ["chat_id": "scripted:ann", "text": "bad"])
            #expect(result["isError"] == true)
            #expect(result.text.contains("too rude"))
            #expect(chat.shown.isEmpty)
            #expect(chat.commands.filter { $0.verb == "send" }.count == 1)
        }
    }

    @Test func whatWasPostedWhileTheAdapterWasDeadArrivesOnce() async throws {
        try await with { home, chat, _ in
            let session = try await home.session("api")
            chat.say("one", from: "ann")
            _ = try await session.channelEvents(1)
            let first = try await chat.connected()
            kill(first, SIGKILL)
            chat.say("two", from: "ann")
            let events = try await session.channelEvents(2)
            #expect(events.map(\.content) == ["one", "two"])
            #expect(try await chat.connected() != first)
        }
    }
}
