import BusProtocol
import ChannelEvents
import JSON
import MessageStore
import Testing

@testable import MessageBus
@testable import Routing

@Suite("A topic for each session")
struct TopicTests {
    private static let verbs: Set<String> = ["send", "topic", "close"]

    private func fixture(_ sessions: [String] = []) throws -> RouteFixture {
        let chat = try RouteFixture(features: ["topics", "threads"], verbs: Self.verbs, sessions: sessions)
        // The room is let in: somebody there was heard.
        try chat.say(in: "room")
        return chat
    }

    private func topics(_ chat: RouteFixture, off: Bool = false) throws -> Answer.Outcome? {
        let outcome = try chat.ask("routes.topics", ["conversation": "chat:room", "off": .bool(off)])
        try chat.turn()
        return outcome
    }

    private func made(_ chat: RouteFixture) -> [String] {
        chat.said.filter { $0.verb == "topic" }.compactMap { $0.arguments["name"]?.stringValue }
    }

    /// Thread ids by label, as the router has them open.
    private func open(_ chat: RouteFixture) throws -> [String: String] {
        guard case .success(let list) = try chat.ask("routes.list") else { return [:] }
        return Dictionary(
            uniqueKeysWithValues: (list["topics"]?.arrayValue ?? []).map { row in
                let conversation = row["conversation"]?.stringValue ?? ""
                return (row["session"]?.stringValue ?? "", String(conversation.split(separator: "/").last ?? ""))
            })
    }

    @Test func eachSessionThatIsRealGetsOneAndWhatIsWrittenThereIsIts() throws {
        let chat = try fixture(["api"])
        guard case .success(let answer) = try topics(chat) else {
            throw RouteChoiceTests.Unexpected(outcome: .success([:]))
        }
        #expect(answer["sessions"] == 1)
        try chat.turn()
        #expect(made(chat) == ["api"])
        try chat.attach("web")
        try chat.turn()
        #expect(made(chat) == ["api", "web"])
        // A handshake alone gets none.
        try chat.router.attachEndpoint("ghost")
        try chat.turn()
        #expect(made(chat) == ["api", "web"])
        let threads = try open(chat)
        #expect(threads.keys.sorted() == ["api", "web"])
        for (label, thread) in threads {
            #expect(try chat.holders(try chat.say(in: "room", thread: thread)) == [label])
            #expect(
                chat.said.contains {
                    $0.thread == thread && $0.arguments["text"]?.stringValue?.contains(label) ?? false
                })
        }
    }

    @Test func theyOutliveTheRouterAndAreNotMadeTwice() throws {
        let chat = try fixture(["api"])
        _ = try topics(chat)
        try chat.turn()
        let before = try open(chat)
        try chat.restart(["api"])
        try chat.turn()
        #expect(made(chat) == ["api"])
        #expect(try open(chat) == before)
    }

    @Test func oneIsClosedWhenItsSessionEnds() throws {
        let chat = try fixture(["api", "web"])
        _ = try topics(chat)
        try chat.turn()
        let threads = try open(chat)
        try chat.leave("web")
        try chat.pass(1_000, ["api"])
        // `claude --resume` within the grace finds its topic again.
        try chat.attach("web")
        try chat.pass(9_000, ["api", "web"])
        #expect(!chat.said.contains { $0.verb == "close" })
        try chat.leave("web")
        try chat.pass(5_100, ["api"])
        #expect(chat.said.filter { $0.verb == "close" }.map(\.thread) == [threads["web"]])
        #expect(try open(chat).keys.sorted() == ["api"])
        // What is still written there waits for the session it was made for.
        #expect(try chat.holders(try chat.say(in: "room", thread: threads["web"])) == ["web"])
        try chat.attach("web")
        try chat.turn()
        #expect(made(chat) == ["api", "web", "web"])
    }

    @Test func whoFallsSilentKeepsItsTopicForLong() throws {
        let chat = try fixture(["api", "web"])
        _ = try topics(chat)
        try chat.turn()
        // The laptop of one sleeps.
        try chat.pass(60_000, ["api"])
        #expect(chat.router.core.sessions.values.count { $0.isAttached } == 1)
        #expect(!chat.said.contains { $0.verb == "close" })
        chat.router.pass(TopicTable.silence)
        try chat.turn((RouterFixture.link("chat"), .heartbeat(epoch: chat.router.epoch(RouterFixture.link("chat")))))
        #expect(chat.said.filter { $0.verb == "close" }.count == 1)
    }

    @Test func switchedOffAllAreClosed() throws {
        let chat = try fixture(["api", "web"])
        _ = try topics(chat)
        try chat.turn()
        #expect(try open(chat).count == 2)
        _ = try topics(chat, off: true)
        #expect(chat.said.filter { $0.verb == "close" }.count == 2)
        #expect(try open(chat).isEmpty)
        try chat.attach("ops")
        try chat.turn()
        #expect(made(chat).count == 2)
    }

    @Test func anAdapterThatMakesNoneIsSaid() throws {
        let chat = try RouteFixture(features: ["buttons"], sessions: ["api"])
        try chat.say(in: "room")
        guard case .failure(let code, let message) = try topics(chat) else { return #expect(Bool(false)) }
        #expect(code == "not-allowed" && message.contains("makes no topics"))
    }
}
