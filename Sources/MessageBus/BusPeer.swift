public import BusProtocol
import JSON
import Synchronization
import ZeroMQ

/// A peer's side of the bus: one DEALER socket on one thread, a stream of numbered messages that survives the link.
///
/// Numbered messages are kept until the router acknowledges them and sent again on every new link; calls are asked
/// again until they are answered. The peer opens a link by itself, for as long as it runs: on silence it closes its
/// socket without lingering, opens a new one, says HELLO and resends from the last acknowledgement.
/// All methods may be called from any thread. `onEvent` is called on the bus thread and must not block; it may call any
/// method, also ``stop(_:)``, which then does not wait.
public final class BusPeer: Sendable {
    private let core: PeerCore
    private let address: BusAddress
    private let thread = Mutex<DedicatedThread?>(nil)

    public init(
        address: BusAddress, hello: Hello, limits: PeerLimits = PeerLimits(),
        onEvent: @escaping @Sendable (PeerEvent) -> Void
    ) {
        self.address = address
        core = PeerCore(link: PeerLink(hello: hello, limits: limits), onEvent: onEvent)
    }

    deinit {
        core.stop(Bye(code: "shutting-down", message: "the peer was let go"))
    }

    /// Starts the thread and the first link.
    /// - Throws: ``BusError`` when the address cannot be used at all (a path too long, a bad key, no such transport).
    public func start() throws(BusError) {
        try thread.withLock { thread throws(BusError) in
            guard thread == nil else { return }
            let owner = try PeerThread(address: address, core: core)
            core.start()
            thread = try DedicatedThread(name: "bus-peer") { owner.run() }
        }
    }

    /// Waits until the router has everything, half a second at most, says BYE and ends the thread; returns when it has.
    /// What is not acknowledged by then is dropped.
    public func stop(_ farewell: Bye = Bye(code: "shutting-down", message: "the peer stops")) {
        core.stop(farewell)
        guard !core.isOnBusThread else { return }
        let thread = thread.withLock { $0 }
        thread?.join()
    }

    /// Puts one message into the stream; gives its sequence, which a later ``PeerEvent/acknowledged`` covers.
    ///
    /// PUBLISH is the caller's to pace by ``credit``; one past it waits here, with all that is sent after it. What is not
    /// a PUBLISH needs no credit.
    /// - Throws: ``BusError`` with `queueFull` when ``PeerLimits`` allow no more unacknowledged messages, `oversize` when
    ///   the router would never take it, `stopped`.
    @discardableResult
    public func send(_ message: PeerMessage.Numbered) throws(BusError) -> UInt64 {
        let size = try message.checkedSize()
        return try core.change { link throws(BusError) in try link.enqueue(message, size: size) }
    }

    /// Asks the router a tool call (endpoints); the answer comes as ``PeerEvent/answered``, over any number of links.
    /// An id that is open already is not asked a second time.
    /// - Throws: ``BusError`` with `queueFull`, `oversize`, `stopped`.
    public func call(_ call: Call) throws(BusError) {
        try ask(call, .call)
    }

    /// The same for an operator's question.
    public func query(_ call: Call) throws(BusError) {
        try ask(call, .query)
    }

    private func ask(_ call: Call, _ kind: OpenCalls.Kind) throws(BusError) {
        guard (1...256).contains(call.id.utf8.count), call.name.utf8.count <= 256 else {
            throw BusError(.oversize, "the id of a call has 1 to 256 bytes, its name as many at most")
        }
        guard call.arguments.bytes.count <= BusLimits.payloadBytes else {
            throw BusError(
                .oversize, "the arguments of a call have at most \(BusLimits.payloadBytes) bytes; shorten them")
        }
        try core.change { link throws(BusError) in try link.enqueue(call, kind) }
    }

    /// Asks the router for bytes of a file; they come as ``PeerEvent/chunk``.
    /// - Returns: `false` when there is no link, or too much waits for it: ask again on the next
    ///   ``PeerEvent/welcomed``, or after a while.
    @discardableResult
    public func send(_ fetch: Fetch) -> Bool {
        core.change { $0.enqueue(.fetch(fetch)) }
    }

    /// Gives the router bytes of a file that it asked for. Goes after everything else that waits.
    /// - Returns: `false` when it is dropped; the router asks again.
    @discardableResult
    public func send(_ chunk: Chunk) -> Bool {
        core.change { $0.enqueue(.chunk(chunk)) }
    }

    /// Tells the router how the adapter stands; only the newest matters, it is repeated on every new link.
    public func report(_ health: Health) {
        core.change { $0.report(health) }
    }

    /// The deliveries that HELLO names as written on the next links.
    public func rememberWritten(_ deliveries: [Int64]) {
        core.change { $0.written = deliveries }
    }

    /// What the router still takes: granted minus everything unacknowledged. Zero without a link.
    public var credit: Credit { core.link.withLock { $0.creditLeft } }

    public var counters: Counters {
        core.link.withLock {
            var counters = $0.counters
            counters.queuedMessages = $0.unacknowledged.count
            counters.queuedBytes = $0.unacknowledged.total.bytes
            counters.openCalls = $0.calls.count
            return counters
        }
    }

    /// Counts since the start, which only rise, and how full the queues are now.
    public struct Counters: Hashable, Sendable {
        public var links: UInt64 = 0
        public var welcomes: UInt64 = 0
        public var lost: UInt64 = 0
        public var resets: UInt64 = 0
        /// The router's numbered messages had a hole.
        public var gaps: UInt64 = 0
        public var malformed: UInt64 = 0
        public var errors: UInt64 = 0
        /// FETCHes and CHUNKs that found no link or a full queue.
        public var droppedTransfers: UInt64 = 0
        /// Refused to the caller because a queue was full.
        public var queueFull: UInt64 = 0
        public var queuedMessages = 0
        public var queuedBytes: Int64 = 0
        public var openCalls = 0
    }
}
