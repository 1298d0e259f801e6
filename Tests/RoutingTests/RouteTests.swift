import AccessControl
import BusProtocol
import ChannelEvents
import JSON
import MessageStore
import Testing

@testable import MessageBus
@testable import Routing

@Suite("Which session gets a message")
struct RouteTests {
    private let chat = RouterFixture.link("chat")

    private func twoSessions() throws -> RouterFixture {
        let router = try RouterFixture()
        try router.attachAdapter(features: ["buttons"])
        try router.attachReadyEndpoint("api")
        try router.attachReadyEndpoint("web")
        return router
    }

    private func text(_ command: PlatformCommand?) -> String { command?.arguments["text"]?.stringValue ?? "" }

    @Test("With two sessions a new conversation is asked once, and what it wrote follows the answer in order")
    func asksAndHandsOver() throws {
        let router = try twoSessions()
        let asked = try router.turn(router.publish(["1"]))
        #expect(asked.deliveries(to: "api").isEmpty && asked.deliveries(to: "web").isEmpty)
        let question = try #require(asked.to(chat).commands.first)
        #expect(text(question).contains("Which session"))
        #expect(question.arguments["buttons"] != nil)
        try router.turn(router.result(question.key, .sent(ids: ["q"])))
        #expect(try router.turn(router.publish(["2"])).to(chat).commands.isEmpty)
        let chosen = try router.turn(router.publish(["3"], text: "/use web"))
        #expect(chosen.deliveries(to: "web").map(\.head.id) == ["1", "2"])
        #expect(chosen.deliveries(to: "api").isEmpty)
        #expect(try router.turn(router.publish(["4"])).deliveries(to: "web").map(\.head.id) == ["4"])
    }

    @Test("A choice and a question outlive the router")
    func sticky() throws {
        let router = try twoSessions()
        try router.turn(router.publish(["1"], chat: "bob"))
        try router.turn(router.publish(["2"], text: "/use api"))
        try router.restart()
        try router.attachAdapter(features: ["buttons"])
        try router.attachReadyEndpoint("api")
        try router.attachReadyEndpoint("web")
        #expect(try router.turn(router.publish(["3"])).deliveries(to: "api").map(\.head.id) == ["3"])
        let commands = try router.turn(router.publish(["4"], chat: "bob")).to(chat).commands
        #expect(!commands.contains { $0.chat == "bob" && $0.key.contains("which") })
        let chosen = try router.turn(router.publish(["5"], chat: "bob", text: "/use web"))
        #expect(chosen.deliveries(to: "web").map(\.head.id) == ["1", "4"])
    }

    @Test("Messages that came before there were several sessions are asked about when there are")
    func asksLater() throws {
        let router = try RouterFixture()
        try router.attachAdapter()
        try router.turn(router.publish(["1"]))
        try router.attachEndpoint("api")
        try router.attachEndpoint("web")
        router.pass(3_100)
        try router.turn()
        let later = try router.turn()
        _ = later
        let open = try router.turn(router.publish(["2"], text: "/use api"))
        #expect(open.deliveries(to: "api").map(\.head.id) == ["1"])
        #expect(open.deliveries(to: "web").isEmpty)
    }

    @Test("A message addresses a session by its label")
    func addressed() throws {
        let router = try twoSessions()
        try router.turn(router.publish(["1"], text: "/use api"))
        #expect(
            try router.turn(router.publish(["2"], text: "@web hello")).deliveries(to: "web").map(\.head.id) == ["2"])
        #expect(try router.turn(router.publish(["3"])).deliveries(to: "api").map(\.head.id) == ["3"])
    }

    @Test("A session that is away keeps what was meant for it")
    func away() throws {
        let router = try twoSessions()
        try router.turn(router.publish(["1"], text: "/use web"))
        try router.turn((RouterFixture.link("web"), .bye(Bye(code: "end", message: ""))))
        let sent = try router.turn(router.publish(["2"]))
        #expect(sent.deliveries(to: "api").isEmpty)
        #expect(try router.states(of: "2") == ["web": .waiting])
    }

    @Test("An unknown command is text for a session")
    func unknownCommand() throws {
        let router = try twoSessions()
        try router.turn(router.publish(["1"], text: "/use web"))
        #expect(
            try router.turn(router.publish(["2"], text: "/deploy now")).deliveries(to: "web").map(\.head.id) == ["2"])
    }

    @Test(
        "Labels in a text",
        arguments: [
            ("@api hello", false, ["api"]), ("@api: hello", false, ["api"]), ("@api", false, []),
            ("hello @api", false, []),
            ("@bot api: hello", true, ["api", "bot"]), ("<@12> api: hello", true, ["api"]),
            ("@bot api hello", true, ["bot"]),
            ("@b\u{e4}r hello", false, []), ("", true, []), ("@ hello", false, []),
        ] as [(String, Bool, [String])])
    func labels(text: String, mentionsUs: Bool, expected: [String]) {
        #expect(AddressedText.labels(in: text, mentionsUs: mentionsUs) == expected)
    }

    @Test func inAGroupOnlyAnApproverChoosesAndProgramsGiveNoCommands() throws {
        let source = try #require(SourceName("chat"))
        let policy = SourcePolicy(
            allow: ["7", "bot"], approvers: ["42"], groups: ["g": GroupPolicy(requiresMention: false)])
        let router = try RouterFixture(settings: RouterSettings(access: AccessPolicy(sources: [source: policy])))
        try router.attachAdapter()
        try router.attachReadyEndpoint("api")
        try router.attachReadyEndpoint("web")
        func says(_ id: String, _ sender: String, _ flags: EventFlags = []) throws -> [Effects.Outgoing] {
            try router.turn(
                router.publish(
                    [id], chat: "g", sender: sender, authentication: .platform, text: "/use web", flags: flags))
        }
        func told(_ sent: [Effects.Outgoing]) -> String {
            sent.to(RouterFixture.link("chat")).commands.last?.arguments["text"]?.stringValue ?? ""
        }
        let refused = try says("1", "7")
        #expect(told(refused).contains("only an approver"))
        for command in refused.to(RouterFixture.link("chat")).commands {
            try router.turn(router.result(command.key, .sent(ids: ["s1"])))
        }
        #expect(told(try says("2", "42")).contains("goes to web"))
        #expect(try says("3", "bot", .bot).deliveries(to: "web").map(\.head.id) == ["3"])
    }
}
