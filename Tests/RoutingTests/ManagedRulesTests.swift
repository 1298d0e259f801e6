import AccessControl
import BusProtocol
import ChannelEvents
import JSON
import MessageBus
import MessageStore
import Testing

@testable import Routing

/// The administrator's policy on the real core and the real store.
@Suite("The administrator's policy in the router")
struct ManagedRulesTests {
    private static let chat = RouterFixture.link("chat")

    private func router(_ rules: ManagedRules, _ policy: SourcePolicy = SourcePolicy()) throws -> RouterFixture {
        let source = try #require(SourceName("chat"))
        var settings = RouterSettings(access: AccessPolicy(sources: [source: policy]))
        settings.managed = rules
        return try RouterFixture(settings: settings)
    }

    private func failure(_ outcome: Answer.Outcome) -> String {
        if case .failure(_, let message) = outcome { return message }
        return ""
    }

    @Test("No command lets in whom it forbids, and a stranger it forbids gets no code")
    func commandsAreBound() throws {
        let router = try router(
            ManagedRules(
                ceiling: AccessCeiling(
                    senders: ["chat": ["1", "2"]], groups: ["chat": []], approvers: ["chat": ["1"]]),
                file: "/etc/p.yaml"))
        try router.attachAdapter()
        func ask(_ name: String, _ arguments: JSONValue) throws -> String { failure(try router.ask(name, arguments)) }
        #expect(try ask("access.allow", ["source": "chat", "id": "9"]).contains("/etc/p.yaml"))
        #expect(try ask("access.approver", ["source": "chat", "id": "2", "listed": true]).contains("/etc/p.yaml"))
        #expect(try ask("access.group", ["conversation": "chat:g"]).contains("/etc/p.yaml"))
        #expect(try ask("access.allow", ["source": "chat", "id": "1"]) == "")
        #expect(try ask("access.approver", ["source": "chat", "id": "1", "listed": true]) == "")
        // To take away stays possible.
        #expect(try ask("access.approver", ["source": "chat", "id": "1", "listed": false]) == "")
        let sent = try router.turn(
            router.publish(["1"], chat: "d9", sender: "9", authentication: .platform, flags: .direct))
        #expect(sent.to(Self.chat).commands.isEmpty)
        #expect(try router.history().first?.rule == "managed")
    }

    @Test("A code that was given before does not make an approver against the policy")
    func pairingIsBound() throws {
        let router = try router(
            ManagedRules(ceiling: AccessCeiling(approvers: [:]), file: "/etc/p.yaml"))
        try router.attachAdapter()
        try router.turn(router.publish(["1"], chat: "d1", sender: "1", authentication: .platform, flags: .direct))
        let code = try #require(router.core.access.pairings.keys.first)
        #expect(
            failure(try router.ask("access.pair", ["code": .string(code), "approver": true])).contains("/etc/p.yaml"))
        #expect(router.core.policy.approvers.isEmpty)
    }

    @Test("Forbidden commands are refused by the router, in the chat and at the terminal")
    func forbiddenCommands() throws {
        let router = try router(
            ManagedRules(forbiddenCommands: ["access allow", "history", "/use", "access audit"], file: "/etc/p.yaml"))
        try router.attachAdapter()
        try router.attachReadyEndpoint("api")
        for name in ["access.allow", "history", "access.audit", "access.verify"] {
            #expect(failure(try router.ask(name, ["source": "chat", "id": "1"])).contains("/etc/p.yaml"), "\(name)")
        }
        #expect(failure(try router.ask("access.list")) == "")
        let said = try router.turn(router.publish(["1"], text: "/use@bot api")).to(Self.chat).commands.first
        #expect(said?.arguments["text"]?.stringValue?.contains("forbidden") == true)
        try router.turn(router.publish(["2"], text: "@bot /use api", flags: .mention))
        #expect(router.core.routes.bindings.isEmpty)
    }

    @Test("An adapter of a forbidden kind is sent away, also when the policy comes while it runs")
    func adapters() throws {
        let router = try router(
            ManagedRules(ceiling: AccessCeiling(kinds: ["webhook"]), file: "/etc/p.yaml"))
        #expect(try router.attachAdapter().bye?.code == "not-allowed")
        router.settings.managed = nil
        try router.restart()
        try router.attachAdapter()
        var settings = router.settings
        settings.managed = ManagedRules(ceiling: AccessCeiling(kinds: ["webhook"]), file: "/etc/p.yaml")
        try router.reload(settings)
        #expect(router.core.sources.values.allSatisfy { $0.link == nil })
    }

    @Test("What was changed before rests while access is static, and holds again after it")
    func staticRests() throws {
        let router = try RouterFixture()
        try router.attachAdapter()
        _ = try router.ask("access.allow", ["source": "chat", "id": "1"])
        router.settings.isAccessStatic = true
        try router.restart()
        try router.attachAdapter()
        try router.turn(router.publish(["1"], chat: "d1", sender: "1", authentication: .platform, flags: .direct))
        #expect(try router.history().first?.rule == "not-listed")
        router.settings.isAccessStatic = false
        try router.restart()
        try router.attachAdapter(next: 2)
        try router.turn(router.publish(["2"], chat: "d1", sender: "1", authentication: .platform, flags: .direct))
        #expect(try router.history().first?.rule == "listed")
    }
}
