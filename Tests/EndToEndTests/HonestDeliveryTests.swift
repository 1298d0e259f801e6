import BusProtocol
import ChannelEvents
import JSON
import SwitchboardTesting
import Testing

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// What becomes of a message, with real processes: a chat that a test plays, sessions whose hooks speak as Claude Code's.
@Suite(.serialized) struct HonestDeliveryTests {
    private func with(
        _ delivery: String = "", abilities: Abilities = Abilities(verbs: ["send", "edit", "react", "typing"]),
        _ body: (SwitchboardHomeFixture, ScriptedPlatform) async throws -> Void
    ) async throws {
        let configuration = """
            adapters: { scripted: {} }
            access: { scripted: { allow: [ann, bob, eve], approvers: [ann] } }
            delivery: { attach_settle: 0s, first_push_wait: 0s\(delivery) }

            """
        try await SwitchboardHomeFixture.with(configuration: configuration) { home in
            let chat = try ScriptedPlatform(home.places, abilities: abilities)
            defer { chat.close() }
            try await home.up()
            try await body(home, chat)
        }
    }

    /// A session that is idle after a turn that a person typed.
    private func hooked(_ home: SwitchboardHomeFixture) async throws -> ScriptedSession {
        let session = try await home.session("api")
        try await session.submit(text: "good morning")
        _ = try await session.stop("good morning")
        // What is posted before the router knows it would not wait for anything.
        try await TestTimeout.until("the session is known to be idle") {
            try await home.json("sessions")["sessions"]?.arrayValue?.first?["state"] == "idle"
        }
        return session
    }

    private func post(_ chat: ScriptedPlatform, _ text: String, from sender: String, group: String? = nil) -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        let milliseconds = Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
        let id = "g\(Int64.random(in: 1 ... .max))"
        return chat.post(
            Event(
                head: EventHead(
                    id: id, chat: sender, sender: sender, flags: .direct, group: group, time: milliseconds),
                body: EventBody(
                    text: text, user: sender,
                    attachments: group == nil ? [] : [Attachment(id: id, name: "\(id).jpg", mediaType: "image/jpeg")])))
    }

    /// Nobody listening: no mark, one word to the sender, and the next session gets it once, marked.
    @Test func aSessionThatIgnoresItsChannelIsSaidToBeDeaf() async throws {
        try await with(", deaf_after: 1s") { home, chat in
            let deaf = try await hooked(home)
            let asked = chat.say("are you there?", from: "ann")
            let event = try await deaf.channelEvents(1)[0]
            let notice = try await chat.shown("the notice") { $0.text.contains("the session is not listening") }
            #expect(notice.chat == "ann")
            chat.say("hello?", from: "ann")
            try await TestTimeout.until("the second one waits") {
                try await home.json("sessions").text.contains("\"waiting\":1")
            }
            #expect(chat.commands.allSatisfy { $0.verb != "react" && $0.verb != "typing" }, "nobody has seen it")
            let cause = try await home.json("sessions")["sessions"]?.arrayValue?.first?["deaf"]?.stringValue
            #expect(cause?.contains("no channel message ever reached Claude") == true)
            #expect(deaf.channelEvents.count == 1, "no second push")
            deaf.closeInput()
            _ = try await deaf.ended()

            let next = try await home.session("api")
            try await next.submit(text: "hello")
            _ = try await next.stop("hello")
            let again = try await next.channelEvents(1)
            #expect(again[0].meta["event_id"] == event.meta["event_id"])
            #expect(again[0].meta["redelivery"] == "1")
            try await next.submit(again[0])
            let mark = try await chat.command("the mark") { $0.verb == "react" }
            #expect(mark.arguments["id"]?.stringValue == asked)
            #expect(chat.shown.filter { $0.text.contains("not listening") }.count == 1, "told once")
            next.closeInput()
        }
    }

    /// Busy turn: what comes during it arrives after it, conversation by conversation; an album and a paste are one each.
    @Test func whatComesDuringATurnArrivesAfterItGroupedByConversation() async throws {
        let abilities = Abilities(verbs: ["send", "edit", "react", "typing"], textLimit: 600)
        try await with(", quiet_window: 0s", abilities: abilities) { home, chat in
            let session = try await hooked(home)
            try await session.submit(text: "run the tests")
            let tests = try await session.preToolUse("Bash", ["command": "swift test"])
            var last: Int64 = 0
            for number in 0..<12 {
                let sender = ["ann", "bob", "eve"][number % 3]
                last = post(chat, "\(sender) \(number)", from: sender)
            }
            for number in 0..<4 { last = post(chat, number == 0 ? "photos" : "", from: "bob", group: "album") }
            last = post(chat, String(repeating: "a", count: 590), from: "eve")
            last = post(chat, "the end of it", from: "eve")
            try await chat.committed(last)
            #expect(session.channelEvents.isEmpty)

            chat.say("!stop that", from: "ann")
            let urgent = try await session.channelEvents(1)[0]
            #expect(urgent.content == "!stop that")
            try await session.submit(urgent)
            try await session.postToolUse(tests)
            _ = try await session.call(
                "reply", ["chat_id": .string(urgent.meta["chat_id"] ?? ""), "text": "one moment"])
            #expect(try await session.stop("done") == [:])
            let events = try await session.channelEvents(1 + 14).dropFirst()
            let chats = events.compactMap { $0.meta["chat_id"] }
            var order: [String] = []
            for chat in chats where order.last != chat { order.append(chat) }
            #expect(order == ["scripted:ann", "scripted:bob", "scripted:eve"])
            #expect(events.filter { $0.meta["count"] == "4" }.map(\.content) == ["photos"])
            #expect(events.last?.meta["count"] == "2")
            #expect(events.last?.content.hasSuffix("the end of it") == true)
            #expect(events.allSatisfy { $0.meta["redelivery"] == nil })
            session.closeInput()
        }
    }

    /// No silent turns: one reminder, then the sender knows; typing shows while the turn runs.
    @Test func aTurnThatEndsWithoutAnAnswerIsRemindedAndThenTold() async throws {
        try await with { home, chat in
            let session = try await hooked(home)
            let asked = chat.say("what time is it?", from: "ann")
            try await session.submit(try await session.channelEvents(1)[0])
            _ = try await chat.command("typing") { $0.verb == "typing" && $0.arguments["on"] == true }
            let reminder = try await session.stop("It is noon.")
            #expect(reminder["decision"] == "block")
            #expect(reminder["reason"]?.stringValue?.contains("scripted:ann") == true)
            #expect(chat.shown.isEmpty)
            #expect(try await session.stop("It is noon.", isActive: true) == [:])
            let notice = try await chat.shown("the notice") { $0.text == "api ended its turn without an answer." }
            #expect(notice.chat == "ann")
            _ = try await chat.command("no typing") { $0.verb == "typing" && $0.arguments["on"] == false }
            _ = try await chat.command("the mark is taken back") {
                $0.verb == "react" && $0.arguments == ["id": .string(asked), "emoji": ""]
            }
            let history = try await home.json("history")
            let changes = history["events"]?.arrayValue?.first { $0["event_id"]?.stringValue == "scripted:\(asked)" }?[
                "deliveries"]?.arrayValue?.first?["changes"]?.arrayValue?.compactMap { $0["state"]?.stringValue }
            // The hook may come before the receipt: then it was seen before it was known to be written.
            #expect(changes?.filter { $0 != "written" } == ["stored", "offered", "seen", "done"])
            session.closeInput()
        }
    }

    @Test func closingWordsAnswerWhereTheConfigurationSaysSo() async throws {
        try await with(", answer_with_transcript: true") { home, chat in
            let session = try await hooked(home)
            chat.say("what time is it?", from: "ann")
            try await session.submit(try await session.channelEvents(1)[0])
            _ = try await session.stop("It is noon.")
            _ = try await session.stop("It is noon.", isActive: true)
            _ = try await chat.shown("the words") { $0.text.contains("It is noon.") && $0.chat == "ann" }
            session.closeInput()
        }
    }

    /// The kill matrix with hooks: a router that is killed in a turn neither writes into it nor loses what waits.
    @Test func aRouterThatIsKilledInATurnGoesOnWhereItWas() async throws {
        try await with { home, chat in
            let session = try await hooked(home)
            chat.say("one", from: "ann")
            let first = try await session.channelEvents(1)[0]
            try await session.submit(first)
            let use = try await session.preToolUse("Bash", ["command": "make"])
            chat.say("two", from: "ann")
            let last = post(chat, "three", from: "bob")
            try await chat.committed(last)
            let router = try #require(try await home.json("status")["router"]?["pid"]?.integerValue)
            #expect(killHard(pid_t(router)) == 0)
            let later = post(chat, "four", from: "ann")
            try await chat.committed(later)
            #expect(session.channelEvents.count == 1, "the turn still runs")
            try await session.postToolUse(use)
            _ = try await session.call("reply", ["chat_id": "scripted:ann", "text": "one is done"])
            _ = try await session.stop("done")
            let events = try await session.channelEvents(4)
            #expect(events.map(\.content) == ["one", "two", "four", "three"])
            #expect(events.allSatisfy { $0.meta["redelivery"] == nil })
            session.closeInput()
        }
    }
}

private func killHard(_ process: pid_t) -> Int32 { kill(process, SIGKILL) }
