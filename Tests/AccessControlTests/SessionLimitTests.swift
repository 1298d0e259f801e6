import AccessControl
import ChannelEvents
import SwitchboardTesting
import Testing

@Suite("Which sessions a sender may reach")
struct SessionLimitTests {
    private let chat: SourceName

    init() throws { chat = try #require(SourceName("chat")) }

    private func conversation(_ room: String, _ thread: String? = nil) -> Conversation {
        Conversation(source: chat, chat: room, thread: thread)
    }

    private func address(_ id: String) -> Address { Address(source: chat, id: id) }

    @Test("The first limit that matches holds, threads included; other sources are not touched")
    func first() throws {
        let first = try #require(SessionLimit(sender: "1", chat: "c", labels: ["api"]))
        let second = try #require(SessionLimit(sender: "1", labels: ["web"]))
        let access = AccessPolicy(sources: [chat: SourcePolicy(limits: [first, second])])
        func sessions(_ id: String, _ room: String, _ thread: String? = nil) -> Set<String>? {
            access.sessions(for: address(id), in: conversation(room, thread))
        }
        #expect(sessions("1", "c", "7") == ["api"])
        #expect(sessions("1", "d") == ["web"])
        #expect(sessions("2", "c") == nil)
        let other = try #require(SourceName("other"))
        #expect(access.sessions(for: Address(source: other, id: "1"), in: conversation("c")) == nil)
        #expect(SessionLimit(labels: []) == nil)
    }

    @Test("A group's own limit holds beside the sender's; where nothing is left the message is refused")
    func both() throws {
        let limit = try #require(SessionLimit(sender: "1", labels: ["api", "web"]))
        let policy = SourcePolicy(
            allow: ["1", "2"],
            groups: ["g": GroupPolicy(sessions: ["web"]), "h": GroupPolicy(sessions: ["ops"])], limits: [limit])
        let access = AccessPolicy(sources: [chat: policy])
        #expect(access.sessionLimit(for: address("1"), in: conversation("g")) == ["web"])
        #expect(access.sessionLimit(for: address("2"), in: conversation("g", "7")) == ["web"])
        #expect(access.sessionLimit(for: address("1"), in: conversation("direct")) == ["api", "web"])
        func decision(_ sender: String, _ room: String) -> Decision {
            access.decide(
                EventHead(id: "e", chat: room, sender: sender, authentication: .platform, flags: .mention, time: 0),
                from: chat)
        }
        #expect(decision("1", "g") == .allowed(.listed))
        #expect(decision("1", "h") == .refused(.noSession))
        #expect(decision("2", "h") == .allowed(.listed))
    }

    @Test("Whose messages a session may be given agrees with what each sender may reach")
    func selectionAgrees() {
        var random = SeededGenerator(seed: 11)
        let senders = ["1", "2", "3"]
        let rooms = ["a", "b"]
        let labels = ["api", "web", "ops"]
        for _ in 0..<500 {
            var limits: [SessionLimit] = []
            for _ in 0..<Int.random(in: 0...4, using: &random) {
                let some = labels.filter { _ in Bool.random(using: &random) }
                let limit = SessionLimit(
                    sender: Bool.random(using: &random) ? senders.randomElement(using: &random) : nil,
                    chat: Bool.random(using: &random) ? rooms.randomElement(using: &random) : nil, labels: some)
                if let limit { limits.append(limit) }
            }
            let group = Bool.random(using: &random) ? GroupPolicy(sessions: ["web", "ops"]) : GroupPolicy()
            let access = AccessPolicy(sources: [chat: SourcePolicy(groups: ["a": group], limits: limits)])
            for label in labels {
                for room in rooms {
                    let selection = access.senders(for: label, in: conversation(room))
                    for sender in senders + ["somebody"] {
                        let reach = access.sessions(for: address(sender), in: conversation(room))
                        #expect(selection.contains(sender) == (reach?.contains(label) ?? true))
                    }
                }
            }
        }
    }

    @Test(arguments: ["ann#1234", "@ann", "Ann B", ""])
    func aNameIsNoId(_ text: String) { #expect(SenderID.complaint(text) != nil) }

    @Test(arguments: ["42", "+15551230001", "local:1000", "ann@example.org", "ann#12345", "a#b", "#1234x"])
    func anIdIsOne(_ text: String) { #expect(SenderID.complaint(text) == nil) }
}
