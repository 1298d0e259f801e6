import BusProtocol
import ChannelEvents
import JSON
import MessageStore
import Testing

@testable import MessageBus
@testable import Routing

/// A router with a chat whose platform takes everything at once: what was said there stands in ``said``.
final class RouteFixture {
    let router: RouterFixture
    private let features: Set<String>
    private let verbs: Set<String>
    /// Whether sessions say at once that they wrote what they were given.
    private let writes: Bool
    private(set) var said: [PlatformCommand] = []
    /// What sessions were given, in order.
    private(set) var offered: [(event: String, to: String)] = []
    /// Those of it that they were given before, and were told so.
    private(set) var redelivered: [(event: String, to: String)] = []
    private var places: [String: String] = [:]
    private var lastMessage = 0
    private var lastEvent = 0
    private var lastOperator = 0
    private static let chat = RouterFixture.link("chat")

    init(
        settings: RouterSettings = RouterSettings(), features: Set<String> = ["buttons"],
        verbs: Set<String> = ["send"], writes: Bool = false, sessions: [String] = []
    ) throws {
        self.writes = writes
        router = try RouterFixture(settings: settings)
        self.features = features
        self.verbs = verbs
        try attachAdapter()
        for label in sessions { try attach(label) }
    }

    private func attachAdapter() throws {
        settle(try router.attachAdapter(verbs: verbs, features: features).map { (Self.chat, $0) })
    }

    func attach(_ label: String) throws {
        let hello = Hello(
            role: .endpoint, name: label, program: "test", instance: "instance-\(label)", pid: 1,
            project: "/src/\(label)", parent: 1, credit: 256)
        try turn(router.greeting(hello, RouterFixture.link(label)))
        try turn((RouterFixture.link(label), router.call("conversations", [:], from: RouterFixture.link(label))))
    }

    func leave(_ label: String) throws { try turn((RouterFixture.link(label), .bye(Bye(code: "end", message: "")))) }

    func restart(_ labels: [String]) throws {
        try router.restart()
        try attachAdapter()
        for label in labels { try attach(label) }
    }

    /// Time passes, and nobody falls silent but those who left.
    func pass(_ milliseconds: Int64, _ labels: [String] = []) throws {
        var left = milliseconds
        while left > 0 {
            router.pass(min(left, 2_000))
            left -= 2_000
            for link in [Self.chat] + labels.map(RouterFixture.link) {
                try turn((link, .heartbeat(epoch: router.epoch(link))))
            }
        }
    }

    /// One turn, and those in which the platform's answers are taken.
    @discardableResult
    func turn(_ messages: (LinkID, PeerMessage)...) throws -> [Effects.Outgoing] {
        let sent = try router.turn(messages)
        return sent + settle(sent.map { ($0.link, $0.message) })
    }

    @discardableResult
    private func settle(_ sent: [(LinkID, RouterMessage)]) -> [Effects.Outgoing] {
        var later: [Effects.Outgoing] = []
        var open = sent
        while !open.isEmpty {
            let (link, message) = open.removeFirst()
            do {
                var next: [Effects.Outgoing] = []
                if case .numbered(_, .command(let command)) = message, link == Self.chat {
                    said.append(command)
                    lastMessage += 1
                    next = try router.turn(router.result(command.key, .sent(ids: ["m\(lastMessage)"])))
                } else if case .numbered(_, .deliver(let deliveries)) = message {
                    let label = String(decoding: link.bytes, as: UTF8.self)
                    offered += deliveries.filter { $0.redelivery == 0 }.map { ($0.head.id, label) }
                    redelivered += deliveries.filter { $0.redelivery > 0 }.map { ($0.head.id, label) }
                    if writes { next = try router.turn(router.written(deliveries.map(\.id), by: label)) }
                }
                later += next
                open += next.map { ($0.link, $0.message) }
            } catch {
                Issue.record(error)
            }
        }
        return later
    }

    /// The chat in which an event was.
    func place(of event: String) -> String { places[event] ?? "" }

    /// An operator's question and its answer.
    func ask(_ name: String, _ arguments: JSONValue = [:]) throws -> Answer.Outcome? {
        lastOperator += 1
        let link = RouterFixture.link("operator-\(lastOperator)")
        let hello = Hello(role: .operator, name: "test", program: "test", instance: "operator", pid: 1)
        try turn((link, .hello(hello)))
        let query = Call(id: "q", name: name, arguments: arguments)
        return try turn((link, .query(epoch: router.epoch(link), query))).to(link).answers.first?.outcome
    }

    /// Somebody writes. - Returns: the event's id.
    @discardableResult
    func say(
        _ text: String = "hello", in chat: String = "ann", thread: String? = nil, sender: String = "local:0",
        authentication: Authentication = .loopback, flags: EventFlags = [], replyTo: String? = nil,
        kind: EventKind = .message, action: String? = nil
    ) throws -> String {
        lastEvent += 1
        let id = "e\(lastEvent)"
        places[id] = chat
        let event = PublishedEvent(
            head: EventHead(
                id: id, chat: chat, thread: thread, sender: sender, kind: kind, authentication: authentication,
                flags: flags, replyTo: replyTo, action: action, time: router.now.wall),
            body: EventBody(text: text).json)
        let message = PeerMessage.Numbered.publish(Publish(events: [event]))
        try turn((Self.chat, .numbered(router.position(Self.chat), message)))
        return id
    }

    /// A session answers. - Returns: the platform's id of what it said.
    func reply(_ label: String, _ text: String, to chat: String = "ann", id: String) throws -> String {
        let link = RouterFixture.link(label)
        let call = router.call(
            "reply", ["chat_id": .string("chat:\(chat)"), "text": .string(text)], id: id, from: link)
        try turn((link, call))
        return "m\(lastMessage)"
    }

    /// The same for all events.
    func holders() throws -> [String: Set<String>] {
        Dictionary(
            uniqueKeysWithValues: try router.history().map { ($0.head.id, Set($0.deliveries.map(\.session))) })
    }

    /// Who has an event: labels, with an empty one for nobody.
    func holders(_ id: String) throws -> Set<String> { Set(try router.states(of: id).keys) }

    var lastText: String { said.last?.arguments["text"]?.stringValue ?? "" }
}
