import CZeroMQ

/// What becomes of a socket's connection. Belongs to the socket's thread.
public final class SocketMonitor {
    public enum Change: Hashable, Sendable {
        /// The handshake is done.
        case connected
        case disconnected
        /// The other side was reached and is not what was expected: another protocol, a wrong server key.
        case handshakeFailed
        /// The other side does not let this key in.
        case keyRefused
    }

    /// Readable when there is a change.
    public let socket: Socket
    private let observed: Socket
    private var isClosed = false

    /// - Parameter name: unique in the context.
    public init(_ observed: Socket, _ context: Context, name: String) throws(ZeroMQError) {
        let endpoint = "inproc://monitor-\(name)"
        let events =
            ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL
            | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH
        guard zmq_socket_monitor(observed.raw, endpoint, events) == 0 else { throw ZeroMQError.last("monitor") }
        self.observed = observed
        socket = try Socket(context, .pair)
        try socket.connect(endpoint)
    }

    deinit { close() }

    /// Call before the observed socket is closed. libzmq's own thread reports changes with a send that waits: were this
    /// end closed first, it would wait for ever and no socket of the context would work again.
    public func close() {
        guard !isClosed else { return }
        isClosed = true
        if !observed.isClosed { zmq_socket_monitor(observed.raw, nil, 0) }
        socket.close()
    }

    /// The next change, or `nil` when there is none.
    public func next() throws(ZeroMQError) -> Change? {
        while let message = try socket.receive() {
            guard let bytes = message.parts.first, bytes.count >= 2 else { continue }
            // The number of the event in this machine's byte order, then a value.
            switch Int32(bytes.withUnsafeBytes { $0.loadUnaligned(as: UInt16.self) }) {
            case ZMQ_EVENT_HANDSHAKE_SUCCEEDED: return .connected
            case ZMQ_EVENT_DISCONNECTED: return .disconnected
            case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH: return .keyRefused
            case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL: return .handshakeFailed
            default: continue
            }
        }
        return nil
    }
}
