import AccessControl
import BusProtocol
import ChannelEvents
import JSON
import MessageBus
import MessageStore
import Testing

@testable import Routing

/// A limit binds the default, labels, `/use` and what a choice moves.
@Suite("Limits to sessions")
struct SessionLimitRouteTests {
    private static let chat = RouterFixture.link("chat")

    private func router(_ limits: [SessionLimit?], groups: [String: GroupPolicy] = [:]) throws -> RouterFixture {
        let source = try #require(SourceName("chat"))
        let policy = SourcePolicy(
            allow: ["1", "2"], approvers: ["2"], groups: groups, limits: limits.compactMap(\.self))
        let router = try RouterFixture(settings: RouterSettings(access: AccessPolicy(sources: [source: policy])))
        try router.attachAdapter()
        return router
    }

    @discardableResult
    private func say(
        _ id: String, _ text: String? = nil, sender: String = "1", in chat: String = "d", _ flags: EventFlags = .direct,
        at router: RouterFixture
    ) throws -> [Effects.Outgoing] {
        try router.turn(
            router.publish([id], chat: chat, sender: sender, authentication: .platform, text: text, flags: flags))
    }

    @Test("The only session is not the one he may reach: his message waits for that one, a restart included")
    func bindsTheDefault() throws {
        let router = try router([SessionLimit(sender: "1", labels: ["web"])])
        try router.attachReadyEndpoint("api")
        try say("1", at: router)
        #expect(try router.states(of: "1") == ["web": .waiting])
        try router.restart()
        try router.attachAdapter(next: 2)
        try router.attachReadyEndpoint("api")
        #expect(try router.states(of: "1") == ["web": .waiting])
        try router.attachReadyEndpoint("web")
        try router.turn()
        #expect(try router.states(of: "1")["web"] == .offered)
    }

    @Test("Neither a label nor /use reaches further, and neither says that there is more")
    func bindsLabelsAndChoices() throws {
        let router = try router([SessionLimit(sender: "1", labels: ["web"])])
        try router.attachReadyEndpoint("api")
        try router.attachReadyEndpoint("web")
        #expect(try say("1", "@api hello", at: router).deliveries(to: "web").map(\.head.id) == ["1"])
        for text in ["/use api", "/use 1"] {
            let answer = try say(text, text, at: router).to(Self.chat).commands.first
            let said = answer?.arguments["text"]?.stringValue ?? ""
            #expect(said.isEmpty || said.contains("No such session") || said.contains("web"), "\(said)")
        }
        #expect(try say("2", at: router).deliveries(to: "api").isEmpty)
        #expect(try router.states(of: "2")["api"] == nil)
    }

    @Test("Who may choose for a group does not hand over what others there may not send to that session")
    func bindsWhatAChoiceMoves() throws {
        let router = try router(
            [SessionLimit(sender: "1", labels: ["web", "ops"])],
            groups: ["g": GroupPolicy(requiresMention: false)])
        for label in ["api", "web", "ops"] { try router.attachReadyEndpoint(label) }
        try say("a", sender: "1", in: "g", [], at: router)
        try say("b", sender: "2", in: "g", [], at: router)
        try say("use", "/use api", sender: "2", in: "g", [], at: router)
        #expect(try router.states(of: "b")["api"] != nil)
        #expect(try router.states(of: "a")["api"] == nil)
    }
}
