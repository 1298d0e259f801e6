import AccessControl
import BusProtocol
import ChannelEvents
import JSON
import MessageBus
import MessageStore
import Testing

@testable import Routing

/// A router with approvers, an adapter with buttons, and sessions that ask for leave.
final class RelayFixture {
    let router: RouterFixture
    /// What the platform shows, by message id.
    private(set) var shown: [String: Shown] = [:]
    /// The ids in the order in which the messages came.
    private(set) var order: [String] = []
    /// Answers to taps, by the callback's id.
    private(set) var responses: [String: String] = [:]
    private(set) var verdicts: [String: [Verdict]] = [:]
    private(set) var deliveries: [Delivery] = []
    private var answers: [Answer] = []
    private var nextMessage = 0
    private var nextEvent = 0
    /// What becomes of a command; `nil` is the usual outcome.
    var decide: (PlatformCommand) -> SendOutcome? = { _ in nil }

    struct Shown {
        var chat: String
        var text: String
        var buttons: [String: String]
        var edits = 0
    }

    static let everything = Abilities(verbs: ["send", "edit", "respond"], features: ["buttons"])
    static let plain = Abilities(verbs: ["send"])

    /// `ann` is the owner and an approver, `bob` an approver, `eve` only talks. Direct chats are `d-NAME`.
    init(
        permissions: PermissionSettings = PermissionSettings(), abilities: Abilities = RelayFixture.everything,
        people: [Person]? = nil, groups: [String: GroupPolicy] = [:]
    ) throws {
        let source = try #require(SourceName("chat"))
        let owner = Person(name: "ann", isOwner: true, addresses: [Address(source: source, id: "ann")])
        router = try RouterFixture(
            settings: RouterSettings(
                access: AccessPolicy(
                    sources: [source: SourcePolicy(allow: ["eve"], approvers: ["ann", "bob"], groups: groups)],
                    people: people ?? [owner]), permissions: permissions))
        try attach(abilities)
        for name in ["ann", "bob", "eve"] { try say("hello", from: name) }
        try session("api")
    }

    func attach(_ abilities: Abilities = RelayFixture.everything, next: UInt64 = 1) throws {
        try router.attachAdapter(
            next: next, verbs: abilities.verbs, features: abilities.features, textLimit: abilities.textLimit)
    }

    func session(_ name: String) throws { try router.attachReadyEndpoint(name) }

    // MARK: Turns

    /// Runs a turn and plays the adapters until nothing is left to be sent.
    func turn(_ messages: [(LinkID, PeerMessage)] = []) throws {
        var outgoing = try router.turn(messages)
        while !outgoing.isEmpty {
            var results: [(LinkID, PeerMessage)] = []
            for item in outgoing {
                if case .answer(let answer) = item.message { answers.append(answer) }
                guard case .numbered(_, let content) = item.message else { continue }
                switch content {
                case .verdict(let verdict): verdicts[name(item.link), default: []].append(verdict)
                case .deliver(let batch): deliveries += batch
                case .command(let command):
                    if command.verb == "respond" {
                        responses[command.arguments["id"]?.stringValue ?? ""] =
                            command.arguments["text"]?.stringValue
                        continue
                    }
                    results.append(router.result(command.key, carryOut(command)))
                }
            }
            guard !results.isEmpty else { return }
            outgoing = try router.turn(results)
        }
    }

    private func name(_ link: LinkID) -> String { String(decoding: link.bytes, as: UTF8.self) }

    private func carryOut(_ command: PlatformCommand) -> SendOutcome {
        if let outcome = decide(command) { return outcome }
        let text = command.arguments["text"]?.stringValue ?? ""
        var buttons: [String: String] = [:]
        for row in command.arguments["buttons"]?.arrayValue ?? [] {
            for button in row.arrayValue ?? [] {
                buttons[button["label"]?.stringValue ?? ""] = button["action"]?.stringValue
            }
        }
        if command.verb == "edit" {
            guard let id = command.arguments["id"]?.stringValue, let old = shown[id] else {
                return .rejected(reason: "no such message")
            }
            shown[id] = Shown(chat: command.chat, text: text, buttons: buttons, edits: old.edits + 1)
            return .sent(ids: [])
        }
        nextMessage += 1
        shown["m\(nextMessage)"] = Shown(chat: command.chat, text: text, buttons: buttons)
        order.append("m\(nextMessage)")
        return .sent(ids: ["m\(nextMessage)"])
    }

    /// Time passes and the router looks.
    func pass(_ milliseconds: Int64) throws {
        router.pass(milliseconds)
        // Peers are heard from, or their links would be lost.
        try turn(
            ["chat", "api", "web"].filter { router.epoch(RouterFixture.link($0)) != 0 }.map {
                (RouterFixture.link($0), .heartbeat(epoch: router.epoch(RouterFixture.link($0))))
            })
    }

    func restart() throws {
        try router.restart()
        verdicts = [:]
    }

    /// What an endpoint had heard before the router was restarted.
    func keep(_ verdicts: [Verdict], of session: String) { self.verdicts[session] = verdicts }

    // MARK: Sessions

    func ask(
        _ request: String = "abcde", tool: String = "Bash", input: JSONValue = ["command": "swift test"],
        about: String = "Run the tests", preview: String? = nil, in session: String = "api"
    ) throws {
        let link = RouterFixture.link(session)
        try turn([
            (
                link,
                .numbered(
                    router.position(link),
                    .ask(
                        PermissionRequest(
                            request: request, tool: tool, description: about, preview: preview ?? input.text)))
            )
        ])
    }

    func hook(_ name: String, _ members: JSONObject = [:], in session: String = "api", at: Int64? = nil) throws {
        let link = RouterFixture.link(session)
        nextEvent += 1
        let report = HookReport(
            id: "hook-\(nextEvent)", name: name, at: at ?? router.now.wall, members: .object(members))
        try turn([(link, .numbered(router.position(link), .hook(report)))])
    }

    /// What Claude Code says around a prompt.
    func askWithHooks(
        _ request: String = "abcde", tool: String = "Bash", input: JSONValue = ["command": "swift test"],
        use: String = "toolu_1", in session: String = "api"
    ) throws {
        try hook(
            "PreToolUse", ["tool_name": .string(tool), "tool_use_id": .string(use), "tool_input": input], in: session)
        try hook("PermissionRequest", ["tool_name": .string(tool), "tool_input": input], in: session)
        try ask(request, tool: tool, input: input, in: session)
    }

    func wrote(_ request: String = "abcde", in session: String = "api") throws {
        let link = RouterFixture.link(session)
        try turn([(link, .numbered(router.position(link), .receipt(Receipt(verdicts: [request]))))])
    }

    // MARK: People

    @discardableResult
    func say(
        _ text: String, from sender: String, in chat: String? = nil, kind: EventKind = .message,
        flags: EventFlags? = nil, attachments: [ChannelEvents.Attachment] = [], replyTo: String? = nil,
        time: Int64? = nil
    ) throws -> String {
        nextEvent += 1
        let link = RouterFixture.link("chat")
        let event = PublishedEvent(
            head: EventHead(
                id: "e\(nextEvent)", chat: chat ?? "d-\(sender)", sender: sender, kind: kind,
                flags: flags ?? (chat == nil ? .direct : .mention), replyTo: replyTo, time: time ?? router.now.wall),
            body: EventBody(text: text, attachments: attachments).json)
        try turn([(link, .numbered(router.position(link), .publish(Publish(events: [event]))))])
        return "chat:e\(nextEvent)"
    }

    /// Presses a button; gives what the person is told.
    @discardableResult
    func press(
        _ action: String, of message: String?, by sender: String, in chat: String? = nil, flags: EventFlags? = nil,
        authentication: Authentication = .platform
    ) throws -> String? {
        nextEvent += 1
        let id = "tap\(nextEvent)"
        let link = RouterFixture.link("chat")
        let event = PublishedEvent(
            head: EventHead(
                id: id, chat: chat ?? "d-\(sender)", sender: sender, kind: .callback, authentication: authentication,
                flags: flags ?? (chat == nil ? .direct : []), replyTo: message, action: action, time: router.now.wall),
            body: EventBody(text: "").json)
        try turn([(link, .numbered(router.position(link), .publish(Publish(events: [event]))))])
        return responses[id]
    }

    /// What an operator asks, and what he is answered.
    func ask(_ name: String, _ arguments: JSONValue) throws -> Answer.Outcome {
        let link = RouterFixture.link("operator")
        let hello = Hello(role: .operator, name: "test", program: "test", instance: "operator", pid: 1)
        try turn([(link, .hello(hello))])
        try turn([(link, .query(epoch: router.epoch(link), Call(id: "q", name: name, arguments: arguments)))])
        return try #require(answers.last?.outcome)
    }

    // MARK: What is seen

    /// Messages with buttons in somebody's direct chat, the newest last.
    func cards(of person: String) -> [(id: String, card: Shown)] {
        order.compactMap { id in shown[id].map { (id, $0) } }.filter {
            $0.1.chat == "d-\(person)" && !$0.1.buttons.isEmpty
        }
    }

    func card(of person: String) throws -> (id: String, card: Shown) { try #require(cards(of: person).last) }

    func texts(in chat: String) -> [String] { order.compactMap { shown[$0] }.filter { $0.chat == chat }.map(\.text) }

    func audit() throws -> [AuditRecord] { try router.store.read { try $0.audit(before: nil, limit: 1_000) } }

    func auditKinds() throws -> [String] { try audit().reversed().map(\.entry.kind) }

    func status() throws -> JSONValue {
        // The core's own part of the answer.
        .object(["prompts": .array(router.core.promptList), "grants": .array(router.core.grantList(router.now))])
    }
}
