import BusProtocol

/// Bounds of a peer; each says what happens when it is reached. Times are in milliseconds.
public struct PeerLimits: Hashable, Sendable {
    /// Unacknowledged numbered messages; at the limit ``BusPeer/send(_:)`` throws `queueFull`.
    public var queuedMessages = 4096
    /// Bytes of them.
    public var queuedBytes = 16 << 20
    /// Calls and queries without an answer; at the limit they throw `queueFull`.
    public var openCalls = 256
    /// FETCHes and CHUNKs that wait for the socket; past it one is dropped, and asked for again by who needs it.
    public var transfers = 64
    /// Between two attempts to open a link; doubles up to ``longestRetry``.
    public var firstRetry: Int64 = 50
    public var longestRetry: Int64 = 2_000
    /// The router is taken for gone after so much silence.
    public var silence: Int64 = BusLimits.silence
    /// A link on which a message waits so long for its acknowledgement has lost something and is replaced. Does not
    /// count while the router grants no credit: then it has stopped its intake.
    public var acknowledgement: Int64 = 30_000
    /// A heartbeat is sent after so long without another message.
    public var heartbeat: Int64 = BusLimits.heartbeat
    /// How long ``BusPeer/stop(_:)`` waits for acknowledgements.
    public var flush: Int64 = 500
    /// Whether a source that another adapter holds is asked for again, until that one's lease ends. Otherwise it is a
    /// refusal like the others.
    public var retriesTakenSource = false

    public init() {}
}
