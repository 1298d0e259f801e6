import AccessControl
import BusProtocol
import ChannelEvents
import JSON
import MessageStore
import Testing

@testable import MessageBus
@testable import Routing

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A router without sockets: the real core on a real store, a clock that is set by hand, messages as values.
final class RouterFixture {
    let folder: String
    private(set) var store: MessageStore
    private(set) var core: RouterCore
    var now = Moment(wall: 1_795_000_000_000, uptime: 1_000_000)
    var settings: RouterSettings
    /// All that was given to the file thread.
    private(set) var fileTasks: [FileTask] = []
    private var starts: UInt64 = 1
    private var epochs: [LinkID: UInt64] = [:]
    private var sequences: [LinkID: UInt64] = [:]
    private var hooks = 0

    init(settings: RouterSettings = RouterSettings()) throws {
        var template = Array("/tmp/switchboard-test-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        folder = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        self.settings = settings
        let store = try MessageStore(path: folder + "/store.sqlite3")
        self.store = store
        core = RouterCore(settings: settings, state: try store.turn { try $0.load() }, epoch: 1 << 24, now: now)
    }

    deinit {
        for file in ["store.sqlite3", "store.sqlite3-wal", "store.sqlite3-shm"] { unlink("\(folder)/\(file)") }
        rmdir(folder)
    }

    /// What a full platform can do.
    static let verbs: Set<String> = ["send", "edit", "react", "typing"]

    static let key = String(repeating: "k", count: 64)

    static func link(_ name: String) -> LinkID { LinkID(bytes: Array(name.utf8)) }

    /// A crash of the router and a new one on the same store; links must be opened anew.
    func restart() throws {
        store = try MessageStore(path: folder + "/store.sqlite3")
        starts += 1
        core = RouterCore(settings: settings, state: try store.turn { try $0.load() }, epoch: starts << 24, now: now)
        epochs = [:]
    }

    /// One turn of the loop; gives what would be sent.
    @discardableResult
    func turn(_ messages: (LinkID, PeerMessage)...) throws -> [Effects.Outgoing] { try turn(messages) }

    @discardableResult
    func turn(_ messages: [(LinkID, PeerMessage)]) throws -> [Effects.Outgoing] {
        let inbound = messages.map {
            BusListener.Inbound(link: $0.0, authorized: nil, message: .success($0.1), command: "", size: 0)
        }
        let effects = try store.turn { [now] turn in
            try Turn.run(inbound, core: &core, store: &turn, keys: SourceKeys { _ in Self.key }, now: now)
        }
        fileTasks += effects.files
        for outgoing in effects.messages {
            if case .welcome(let welcome) = outgoing.message { epochs[outgoing.link] = welcome.epoch }
        }
        return effects.messages
    }

    /// A transaction that fails after the core has decided, as a full disk makes it.
    func failingTurn(_ messages: [(LinkID, PeerMessage)]) throws {
        struct DiskFull: Error {}
        let inbound = messages.map {
            BusListener.Inbound(link: $0.0, authorized: nil, message: .success($0.1), command: "", size: 0)
        }
        let now = now
        #expect(throws: StoreError.self) {
            try store.turn { turn in
                _ = try Turn.run(inbound, core: &core, store: &turn, keys: SourceKeys { _ in Self.key }, now: now)
                throw DiskFull()
            }
        }
        try restart()
    }

    /// The configuration is read again.
    func reload(_ settings: RouterSettings) throws {
        self.settings = settings
        core.settings = settings
        core.turnAwayForbiddenAdapters(now)
        try turn()
    }

    /// Something that a part of the core does for another one, in a turn of its own.
    @discardableResult
    func act(_ body: (inout RouterCore) -> Void) throws -> [Effects.Outgoing] {
        body(&core)
        return try turn()
    }

    /// What the file thread reports.
    func finish(_ report: FileReport) { core.finish(report, now: now) }

    func pass(_ milliseconds: Int64) {
        now.wall += milliseconds
        now.uptime += milliseconds
    }

    /// Time passes while these peers show that they live; gives what would be sent.
    @discardableResult
    func idle(_ milliseconds: Int64, _ peers: String...) throws -> [Effects.Outgoing] {
        pass(milliseconds)
        let names = peers.isEmpty ? ["chat", "api"] : peers
        return try turn(
            names.map { name in
                let link = Self.link(name)
                return (link, .heartbeat(epoch: epoch(link)))
            })
    }

    // MARK: Peers

    @discardableResult
    func attachAdapter(
        _ name: String = "chat", link: LinkID? = nil, instance: String? = nil, pid: Int64 = 1, next: UInt64 = 1,
        verbs: Set<String> = ["send"], features: Set<String> = [], textLimit: Int64? = nil,
        key: String = RouterFixture.key
    ) throws -> [RouterMessage] {
        let link = link ?? Self.link(name)
        let hello = Hello(
            role: .adapter, name: name, program: "test", instance: instance ?? "instance-\(name)", pid: pid, next: next,
            key: key,
            abilities: Abilities(verbs: verbs, features: features, textLimit: textLimit))
        sequences[link] = next
        return try turn((link, .hello(hello))).to(link)
    }

    @discardableResult
    func attachEndpoint(
        _ name: String = "api", link: LinkID? = nil, instance: String? = nil, parent: Int64 = 1, project: String? = nil,
        written: [Int64] = [], credit: Int64 = 256
    ) throws -> [RouterMessage] {
        let link = link ?? Self.link(name)
        let hello = Hello(
            role: .endpoint, name: name, program: "test", instance: instance ?? "instance-\(name)", pid: 1,
            project: project ?? "/src/\(name)", parent: parent, written: written, credit: credit)
        return try turn(greeting(hello, link)).to(link)
    }

    /// The first message of a link.
    func greeting(_ hello: Hello, _ link: LinkID) -> (LinkID, PeerMessage) {
        sequences[link] = 1
        return (link, .hello(hello))
    }

    /// Attached, settled and proved by a first call, as a session at work is.
    func attachReadyEndpoint(_ name: String = "api", credit: Int64 = 256) throws {
        try attachEndpoint(name, credit: credit)
        try turn((Self.link(name), call("conversations", [:], from: Self.link(name))))
    }

    func position(_ link: LinkID) -> Position {
        let sequence = sequences[link] ?? 1
        sequences[link] = sequence + 1
        return Position(epoch: epochs[link] ?? 0, sequence: sequence)
    }

    /// The number of the next message of a link.
    func next(_ link: LinkID) -> UInt64 { sequences[link] ?? 1 }

    func epoch(_ link: LinkID) -> UInt64 { epochs[link] ?? 0 }

    // MARK: Messages

    func publish(
        _ ids: [String], chat: String = "ann", sender: String = "local:0", authentication: Authentication = .loopback,
        from source: String = "chat", cursor: String? = nil, text: String? = nil, thread: String? = nil,
        flags: EventFlags = [], kind: EventKind = .message, group: String? = nil, fingerprint: String? = nil,
        state: AlertState? = nil, replyTo: String? = nil, attachments: [String] = []
    ) -> (LinkID, PeerMessage) {
        let link = Self.link(source)
        let events = ids.map { id in
            PublishedEvent(
                head: EventHead(
                    id: id, chat: chat, thread: thread, sender: sender, kind: kind, authentication: authentication,
                    flags: flags, group: group, fingerprint: fingerprint, state: state, replyTo: replyTo,
                    time: now.wall),
                body: EventBody(
                    text: text ?? "text of \(id)", attachments: attachments.map { Attachment(id: $0, name: $0) }
                ).json)
        }
        return (
            link, .numbered(position(link), .publish(Publish(events: events, cursor: cursor.map { Array($0.utf8) })))
        )
    }

    /// An operator's question and its answer.
    func ask(_ name: String, _ arguments: JSONValue = [:]) throws -> Answer.Outcome {
        let link = Self.link("operator")
        if epochs[link] == nil {
            let hello = Hello(role: .operator, name: "test", program: "test", instance: "operator", pid: 1)
            try turn((link, .hello(hello)))
        }
        let sent = try turn((link, .query(epoch: epoch(link), Call(id: "q", name: name, arguments: arguments))))
        return try #require(sent.to(link).answers.first?.outcome)
    }

    func call(_ name: String, _ arguments: JSONValue, id: String = "call-1", from link: LinkID) -> PeerMessage {
        .call(epoch: epoch(link), Call(id: id, name: name, arguments: arguments))
    }

    func written(_ deliveries: [Int64], by name: String = "api") -> (LinkID, PeerMessage) {
        let link = Self.link(name)
        return (link, .numbered(position(link), .receipt(Receipt(written: deliveries))))
    }

    /// A hook, begun now by the session's own clock.
    func hook(
        _ name: String, _ members: JSONObject = [:], at: Int64? = nil, prompt: String? = nil, wantsAnswer: Bool = false,
        by session: String = "api"
    ) -> (LinkID, PeerMessage) {
        let link = Self.link(session)
        hooks += 1
        let report = HookReport(
            id: "hook-\(hooks)", name: name, at: at ?? now.wall, prompt: prompt, wantsAnswer: wantsAnswer,
            members: .object(members))
        return (link, .numbered(position(link), .hook(report)))
    }

    /// `UserPromptSubmit` of channel events of the source `chat`; of none when a person typed.
    func submit(_ ids: String..., at: Int64? = nil, prompt: String? = nil, by session: String = "api") -> (
        LinkID, PeerMessage
    ) {
        let events = JSONValue.array(ids.map { .string("chat:\($0)") })
        return hook("UserPromptSubmit", [HookMember.events: events], at: at, prompt: prompt, by: session)
    }

    /// Attached, proved, and known to have hooks: it sits idle after a turn that a person typed.
    func attachHookedEndpoint(_ name: String = "api", instance: String? = nil) throws {
        try attachEndpoint(name, instance: instance)
        try turn(submit(at: now.wall - 2, by: name))
        try turn(hook("Stop", at: now.wall - 1, by: name))
    }

    func result(_ key: String, _ outcome: SendOutcome, from source: String = "chat") -> (LinkID, PeerMessage) {
        let link = Self.link(source)
        return (link, .numbered(position(link), .result(CommandResult(key: key, outcome: outcome))))
    }

    /// The adapter did all that it was told.
    func sentAll(from source: String = "chat") -> [(LinkID, PeerMessage)] {
        core.outbox.parts.values.filter { $0.state == .sending }.sorted { $0.id < $1.id }.map {
            result($0.commandKey, .sent(ids: $0.verb == "send" ? ["m\($0.id)"] : []), from: source)
        }
    }

    /// What another part of the router asks the core to do.
    func changeCore<Value>(_ body: (inout RouterCore) throws -> Value) rethrows -> Value { try body(&core) }

    /// State of every delivery of an event, by session label.
    func states(of id: String) throws -> [String: DeliveryState] {
        try store.read { reader in
            let entry = try reader.history(place: nil, before: nil, limit: 1_000).first { $0.head.id == id }
            return Dictionary(uniqueKeysWithValues: (entry?.deliveries ?? []).map { ($0.session, $0.state) })
        }
    }

    func history() throws -> [HistoryEntry] {
        try store.read { try $0.history(place: nil, before: nil, limit: 10_000) }
    }
}

extension [Effects.Outgoing] {
    func to(_ link: LinkID) -> [RouterMessage] { filter { $0.link == link }.map(\.message) }

    func deliveries(to name: String = "api") -> [Delivery] { to(RouterFixture.link(name)).deliveries }
}

extension [RouterMessage] {
    var deliveries: [Delivery] {
        flatMap { message -> [Delivery] in
            if case .numbered(_, .deliver(let deliveries)) = message { return deliveries }
            return []
        }
    }

    var commands: [PlatformCommand] {
        compactMap { message in
            if case .numbered(_, .command(let command)) = message { return command }
            return nil
        }
    }

    var answers: [Answer] {
        compactMap { message in
            if case .answer(let answer) = message { return answer }
            return nil
        }
    }

    var welcome: Welcome? {
        for case .welcome(let welcome) in self { return welcome }
        return nil
    }

    var bye: Bye? {
        for case .bye(let bye) in self { return bye }
        return nil
    }

    var acknowledgement: Acknowledgement? {
        for case .ack(let ack) in self { return ack }
        return nil
    }
}
