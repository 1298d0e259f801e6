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

/// Which session gets what, with real processes: one adapter's connection serves any number of sessions.
@Suite(.serialized) struct RoutesTests {
    private static let configuration = """
        adapters: { scripted: {}, other: { kind: scripted } }
        access:
          scripted: { allow: [ann, bob], approvers: [ann], groups: { room: { require_mention: false } } }
          other: { allow: [ann], groups: { guild: { require_mention: false } } }
        delivery: { attach_settle: 200ms, first_push_wait: 200ms }

        """

    private func with(_ body: (SwitchboardHomeFixture, ScriptedPlatform, ScriptedPlatform) async throws -> Void)
        async throws
    {
        try await SwitchboardHomeFixture.with(configuration: Self.configuration) { home in
            let chat = try ScriptedPlatform(home.places)
            let other = try ScriptedPlatform(home.places, source: "other")
            defer {
                chat.close()
                other.close()
            }
            try await home.up()
            try await body(home, chat, other)
        }
    }

    /// A session that did something that only a real one does.
    private func realSession(_ label: String, _ home: SwitchboardHomeFixture) async throws -> ScriptedSession {
        let session = try await home.session(label)
        _ = try await session.call("conversations")
        return session
    }

    /// Five endpoints, one of which is never a channel and one of which is started again and again: one connection to
    /// the platform, and every message has its session once.
    @Test func onePollerServesFiveSessions() async throws {
        try await with { home, chat, _ in
            var sessions: [ScriptedSession] = []
            for label in ["s0", "s1", "s2"] { sessions.append(try await realSession(label, home)) }
            // A handshake and nothing else, as `claude mcp list` makes it.
            let ghost = try await home.session("ghost")
            var respawned = try await realSession("again", home)
            for index in 0..<3 { chat.say("/use s\(index)", from: "ann", in: "c\(index)") }
            chat.say("/use again", from: "ann", in: "c3")
            for index in 0..<4 {
                _ = try await chat.shown("the choice of c\(index)") {
                    $0.chat == "c\(index)" && $0.text.contains("goes to")
                }
            }
            let pid = try await chat.connected()
            var wanted: [[String]] = [[], [], [], []]
            var ended: [ScriptedSession.ChannelEvent] = []
            for number in 0..<200 {
                let index = number % 4
                wanted[index].append(chat.say("message \(number)", from: "ann", in: "c\(index)"))
                guard number % 40 == 39 else { continue }
                // What it read it shows to have seen; then Claude Code ends and begins anew.
                let count = wanted[3].count - ended.count
                let events = try await respawned.channelEvents(count)
                for event in events { try await respawned.submit(event) }
                _ = try await respawned.stop("read")
                ended += events
                respawned.closeInput()
                _ = try await respawned.ended()
                respawned = try await realSession("again", home)
            }
            for (index, session) in sessions.enumerated() {
                let events = try await session.channelEvents(50)
                #expect(events.map { $0.meta["message_id"] ?? "" } == wanted[index])
                #expect(
                    events.allSatisfy { $0.meta["chat_id"] == "scripted:c\(index)" && $0.meta["redelivery"] == nil })
            }
            #expect(ended.map { $0.meta["message_id"] ?? "" } == wanted[3])
            #expect(ghost.channelEvents.isEmpty && respawned.channelEvents.isEmpty)
            #expect(try await chat.connected() == pid)
            let shown = try await home.json("sessions")["sessions"]?.arrayValue ?? []
            #expect(Set(shown.compactMap { $0["label"]?.stringValue }) == ["s0", "s1", "s2", "ghost", "again"])
        }
    }

    /// Three topics, a direct chat and a thread of another platform for three sessions, with the router killed midway.
    /// What waited comes as one digest when it is much: each message a quoted line there.
    private static func messages(in event: ScriptedSession.ChannelEvent) -> [String] {
        event.content.split(separator: "\n").compactMap { line in
            let text = line.hasPrefix("> ") ? line.dropFirst(2) : line
            return text.hasPrefix("message ") ? String(text) : nil
        }
    }

    @Test func topicsThreadsAndChatsDoNotMix() async throws {
        try await with { home, chat, other in
            var sessions: [String: ScriptedSession] = [:]
            chat.say("hello all", from: "ann", in: "room", flags: [])
            for label in ["api", "web", "ops"] { sessions[label] = try await realSession(label, home) }
            let switched = try await home.switchboard("routes", "topics", "scripted:room")
            #expect(switched.status == .exited(0), "\(switched.errors)")
            var threads: [String: String] = [:]
            for label in ["api", "web", "ops"] {
                let topic = try await chat.shown("the topic of \(label)") { $0.text.hasSuffix("session \(label).") }
                threads[label] = topic.thread
            }
            #expect(Set(threads.values).count == 3)
            chat.say("/use api", from: "ann")
            // The direct chat of somebody else, and a thread elsewhere.
            other.say("/use web", from: "ann", in: "ann")
            _ = try await home.switchboard("routes", "bind", "other:guild/7", "ops")
            _ = try await chat.shown("the choice") { $0.chat == "ann" && $0.text.contains("goes to api") }
            _ = try await other.shown("the other choice") { $0.text.contains("goes to web") }

            var wanted: [String: [String]] = [:]
            var random = SeededGenerator(seed: 6)
            let before = try #require(try await home.json("status")["router"]?["pid"]?.integerValue)
            for number in 0..<300 {
                let text = "message \(number)"
                let label: String
                switch Int.random(in: 0..<5, using: &random) {
                case 0:
                    label = "api"
                    chat.say(text, from: "ann")
                case 1:
                    label = "ops"
                    other.say(text, from: "ann", in: "guild", thread: "7", flags: [])
                default:
                    label = ["api", "web", "ops"].randomElement(using: &random) ?? ""
                    chat.say(text, from: "bob", in: "room", thread: threads[label], flags: [])
                }
                wanted[label, default: []].append(text)
                if number == 150 { kill(pid_t(before), SIGKILL) }
            }
            for (label, session) in sessions {
                let count = wanted[label]?.count ?? 0
                let newest = wanted[label]?.last
                _ = try await session.channelEvent { Self.messages(in: $0).contains { $0 == newest } }
                try await settled(home)
                let mine = session.channelEvents
                #expect(Set(mine.flatMap(Self.messages(in:))) == Set(wanted[label] ?? []))
                #expect(mine.filter { $0.meta["redelivery"] == nil }.flatMap(Self.messages(in:)).count <= count)
            }
            #expect(try await home.json("status")["router"]?["pid"]?.integerValue != before)

            // An answer returns to its thread; the handle of another session is refused.
            for (label, session) in sessions {
                let handle = "scripted:room/\(threads[label] ?? "")"
                let result = try await session.call(
                    "reply", ["chat_id": .string(handle), "text": .string("from \(label)")])
                #expect(MainJobTests.status(of: result) == "sent", "\(result.text)")
                let shown = try await chat.shown("the answer of \(label)") { $0.text.hasSuffix("from \(label)") }
                #expect(shown.thread == threads[label])
                let foreign = threads.first { $0.key != label }
                let stolen = try await session.call(
                    "reply",
                    ["chat_id": .string("scripted:room/\(foreign?.value ?? "")"), "text": .string("stolen \(label)")])
                #expect(stolen["isError"] == true)
            }
            #expect(!chat.shown.contains { $0.text.contains("stolen") })

            // At the end of a session its topic is closed.
            sessions["web"]?.closeInput()
            let close = try await chat.command("the end of a topic") { $0.verb == "close" }
            #expect(close.thread == threads["web"])
        }
    }

    /// Returns when nothing is on its way or waits.
    private func settled(_ home: SwitchboardHomeFixture) async throws {
        try await TestTimeout.until("nothing waits") {
            let sessions = try await home.json("sessions")["sessions"]?.arrayValue ?? []
            return sessions.allSatisfy { $0["waiting"] == 0 && $0["in_flight"] == 0 }
        }
    }

    @Test func aPressAnswersAndACommandIsAnsweredWithoutASession() async throws {
        try await with { home, chat, _ in
            chat.say("/status", from: "ann")
            _ = try await chat.shown { $0.text.contains("No session is here") }
            let api = try await realSession("api", home)
            let web = try await realSession("web", home)
            chat.say("who takes this?", from: "bob")
            let question = try await chat.shown { $0.chat == "bob" && $0.text.contains("Which session") }
            let button = try #require(question.buttons.first { $0.label == "web" })
            chat.press(button.action, of: question.id, in: "bob", by: "bob")
            let event = try await web.channelEvents(1)[0]
            #expect(event.content == "who takes this?")
            _ = try await chat.shown("the question, answered") {
                $0.id == question.id && $0.text.contains("goes to web")
            }
            let respond = try await chat.command { $0.verb == "respond" }
            #expect(respond.chat == "bob")

            // A native reply to what another session said goes there.
            chat.say("@api hello", from: "bob")
            _ = try await api.channelEvents(1)
            _ = try await web.call("reply", ["chat_id": "scripted:bob", "text": "I did"])
            _ = try await api.call("reply", ["chat_id": "scripted:bob", "text": "me too"])
            let said = try await chat.shown { $0.text == "api: me too" }
            chat.say("and you?", from: "bob", replyTo: said.id)
            #expect(try await api.channelEvents(2)[1].content == "and you?")

            chat.say("/why", from: "ann", in: "bob", replyTo: said.id)
            _ = try await chat.shown { $0.text.contains("session api sent it") }
            let list = try await home.json("routes", "list")
            #expect(list["bindings"]?.arrayValue?.contains(["conversation": "scripted:bob", "session": "web"]) == true)
            let refused = try await home.switchboard("routes", "bind", "scripted:bob", "nobody")
            #expect(refused.status == .exited(1) && refused.errors.contains("no such session"))
            // A session could take what is written to another one.
            var command = try home.command("switchboard", ["routes", "bind", "scripted:bob", "api"])
            command.environment["CLAUDECODE"] = "1"
            let claude = try await home.run(command)
            #expect(claude.status == .exited(1) && claude.errors.contains("switchboard routes bind scripted:bob api"))
        }
    }
}
