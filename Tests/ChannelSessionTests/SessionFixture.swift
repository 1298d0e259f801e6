import BusProtocol
import ChannelEvents
import ChannelSession
import JSON
import Logging
import MessageBus
import ModelContextProtocol
import SwitchboardTesting
import Synchronization
import Testing

/// One session with a client, a router and a clock that the test plays. Everything happens on the test's own thread.
final class SessionFixture: Sendable {
    let output = RecordedOutput()
    let clock = ManualSessionClock()
    let session: ChannelSession
    private let connections: Connections

    /// Shared with the closures that the session gets.
    private final class Connections: Sendable {
        let made = Mutex<[InMemoryRouterConnection]>([])
        let starts = Atomic<Int>(0)
        let wakes = Atomic<Int>(0)
    }

    init(startsRouter: Bool = true, connectError: BusError? = nil, inboxFolder: String? = nil) {
        let connections = Connections()
        self.connections = connections
        session = ChannelSession(
            SessionIdentity(
                label: nil, project: "/home/ann/src/api", pid: 7, parent: 6, instance: "0123456789abcdef",
                inboxFolder: inboxFolder),
            version: "0",
            surroundings: .init(
                output: output,
                connect: { onEvent throws(BusError) in
                    if let connectError { throw connectError }
                    let connection = InMemoryRouterConnection(onEvent: onEvent)
                    connections.made.withLock { $0.append(connection) }
                    return connection
                },
                startRouter: startsRouter ? { @Sendable _ in connections.starts.add(1, ordering: .relaxed) } : nil,
                clock: clock.clock, wake: { connections.wakes.add(1, ordering: .relaxed) },
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }))
    }

    /// The routers that were asked to start.
    var starts: Int { connections.starts.load(ordering: .relaxed) }
    var wakes: Int { connections.wakes.load(ordering: .relaxed) }
    var madeConnections: Int { connections.made.withLock { $0.count } }

    var router: InMemoryRouterConnection {
        get throws { try #require(connections.made.withLock { $0.first }) }
    }

    func say(_ line: String) { session.receive(.line(Array(line.utf8))) }

    func handshake() {
        say(#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}"#)
        say(#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#)
    }

    /// A session that its router has welcomed.
    static func joined() throws -> SessionFixture {
        let fixture = SessionFixture()
        fixture.handshake()
        try fixture.router.welcome()
        return fixture
    }

    func call(_ id: Int64, _ tool: String, _ arguments: JSONValue, meta: JSONValue = [:]) {
        let parameters: JSONValue = ["name": .string(tool), "arguments": arguments, "_meta": meta]
        let message: JSONValue = ["jsonrpc": "2.0", "id": .integer(id), "method": "tools/call", "params": parameters]
        session.receive(.line(message.bytes))
    }

    func events() throws -> [JSONValue] { try output.notifications("notifications/claude/channel") }

    func result(_ id: Int64) throws -> JSONValue? { try output.response(to: .integer(id))?["result"] }

    func text(_ id: Int64) throws -> String? {
        try result(id)?["content"]?.arrayValue?.compactMap { $0["text"]?.stringValue }.joined(separator: "\n--\n")
    }

    func advance(milliseconds: Int64) {
        clock.advance(milliseconds: milliseconds)
        _ = session.tick()
    }
}

extension Delivery {
    static func test(
        _ id: Int64, _ text: String = "hello", event: String? = nil, redelivery: Int64 = 0, body: [UInt8]? = nil,
        change: (inout EventHead) -> Void = { _ in }
    ) throws -> Delivery {
        var head = EventHead(id: event ?? "e\(id)", chat: "ci", sender: "u1", time: 1_795_442_664_123)
        change(&head)
        return Delivery(
            id: id, source: try #require(SourceName("webhook")), head: head, redelivery: redelivery,
            body: body ?? EventBody(text: text).json)
    }
}
