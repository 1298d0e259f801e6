public import BusProtocol

/// A peer's side of the bus: one DEALER socket on one thread, a stream of numbered messages that survives the link.
///
/// Numbered messages are kept until the router acknowledges them and sent again on every new link; calls are asked
/// again until they are answered. The peer opens a link by itself, for as long as it runs: on silence it closes its
/// socket without lingering, opens a new one, says HELLO and resends from the last acknowledgement.
/// All methods may be called from any thread. `onEvent` is called on the bus thread and must not block.
public final class BusPeer: Sendable {
    public init(
        address: BusAddress, hello: Hello, limits: PeerLimits = PeerLimits(),
        onEvent: @escaping @Sendable (PeerEvent) -> Void
    ) {}

    /// Starts the thread and the first link.
    /// - Throws: ``BusError`` when the address cannot be used at all (a path too long, no such transport).
    public func start() throws(BusError) {}

    /// Says BYE and ends the thread; returns when it has. Unacknowledged messages stay unsent and are dropped.
    public func stop(_ farewell: Bye = Bye(code: "shutting-down", message: "the peer stops")) {}

    /// Puts one message into the stream; gives its sequence, which a later ``PeerEvent/acknowledged`` covers.
    /// - Throws: ``BusError`` with `queueFull` when ``PeerLimits`` allow no more unacknowledged messages, `stopped`.
    @discardableResult
    public func send(_ message: PeerMessage.Numbered) throws(BusError) -> UInt64 { 0 }

    /// Asks the router a tool call (endpoints); the answer comes as ``PeerEvent/answered``, over any number of links.
    public func call(_ call: Call) throws(BusError) {}

    /// The same for an operator's question.
    public func query(_ call: Call) throws(BusError) {}

    /// Tells the router how the adapter stands; only the newest matters, it is repeated on every new link.
    public func report(_ health: Health) {}

    /// The deliveries that HELLO names as written on the next links.
    public func rememberWritten(_ deliveries: [Int64]) {}
}

public enum BusAddress: Hashable, Sendable {
    /// An `ipc` socket in a directory that only the user can enter.
    case local(path: String)
    /// `tcp://host:port` with CURVE; keys in Z85.
    case remote(endpoint: String, serverKey: String, publicKey: String, secretKey: String)
}

/// Bounds of a peer; each says what happens when it is reached.
public struct PeerLimits: Hashable, Sendable {
    /// Unacknowledged numbered messages; at the limit ``BusPeer/send(_:)`` throws `queueFull`.
    public var queuedMessages = 4096
    /// Bytes of them.
    public var queuedBytes = 16 << 20
    /// Calls and queries without an answer; at the limit they throw `queueFull`.
    public var openCalls = 256
    /// Between two attempts to open a link, in milliseconds; doubles up to ``longestRetry``.
    public var firstRetry: Int64 = 50
    public var longestRetry: Int64 = 2_000
    /// The router is taken for gone after so much silence, in milliseconds.
    public var silence: Int64 = BusLimits.silence

    public init() {}
}

public enum PeerEvent: Sendable {
    case welcomed(Welcome)
    /// The link is gone and a new one is being opened.
    case lost(code: String)
    /// The router will not have us (source taken, wrong key, fenced): final, the peer stops trying.
    case refused(Bye)
    /// Numbered messages up to here are committed, except the events named.
    case acknowledged(sequence: UInt64, refused: [RefusedEvent])
    /// The credit that is left for new events.
    case credit(Credit)
    case delivered([Delivery])
    case commanded(PlatformCommand)
    case verdict(Verdict)
    case answered(id: String, Answer.Outcome)
    /// The router refused one message by name.
    case error(Refusal)
}
