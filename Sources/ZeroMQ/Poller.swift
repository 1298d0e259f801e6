import CZeroMQ

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Waits for any of a few sockets and signals. Used by the thread that owns them, never on Swift's cooperative pool.
public struct Poller {
    private var items: [zmq_pollitem_t] = []
    private var sockets: [Socket] = []
    private var signals: [WakeSignal] = []

    public init() {}

    /// Watches a socket; the result names it in ``isReadable(_:)``.
    @discardableResult
    public mutating func add(_ socket: Socket, alsoWritable: Bool = false) -> Int {
        socket.checkOwner()
        sockets.append(socket)
        let events = ZMQ_POLLIN | (alsoWritable ? ZMQ_POLLOUT : 0)
        items.append(zmq_pollitem_t(socket: socket.raw, fd: 0, events: Int16(events), revents: 0))
        return items.count - 1
    }

    @discardableResult
    public mutating func add(_ signal: WakeSignal) -> Int {
        signals.append(signal)
        items.append(zmq_pollitem_t(socket: nil, fd: signal.readEnd, events: Int16(ZMQ_POLLIN), revents: 0))
        return items.count - 1
    }

    /// Returns when one is ready or the time is over, whichever is first. A signal handler does not end it.
    ///
    /// - Parameter milliseconds: negative waits for as long as it takes.
    public mutating func wait(milliseconds: Int) throws(ZeroMQError) {
        let start = Self.now()
        var remaining = milliseconds
        while zmq_poll(&items, Int32(items.count), remaining) < 0 {
            guard zmq_errno() == ZeroMQError.interrupted else { throw ZeroMQError.last("poll") }
            if milliseconds > 0 { remaining = max(0, milliseconds - (Self.now() - start)) }
        }
    }

    public func isReadable(_ index: Int) -> Bool { Int32(items[index].revents) & ZMQ_POLLIN != 0 }
    public func isWritable(_ index: Int) -> Bool { Int32(items[index].revents) & ZMQ_POLLOUT != 0 }

    private static func now() -> Int {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return time.tv_sec * 1000 + time.tv_nsec / 1_000_000
    }
}
