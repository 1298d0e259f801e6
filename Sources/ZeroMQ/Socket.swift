import CZeroMQ

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// One ZeroMQ socket. It belongs to one thread: the first that sends, receives or polls with it; it may be made and
/// bound by another before. Debug builds trap an intruder.
public final class Socket {
    public enum Kind: Sendable {
        case dealer, router, pub, xpub, sub, pair, req, rep
    }

    public let kind: Kind
    let raw: UnsafeMutableRawPointer
    private let context: Context
    private var owner: pthread_t?
    /// The frame that is being received; used again for each, so that receiving allocates only what is kept.
    let frame: UnsafeMutablePointer<zmq_msg_t>
    /// Frames of the message before: most often the next one has as many.
    var expectedParts = 2
    private(set) var isClosed = false

    public init(_ context: Context, _ kind: Kind, _ options: SocketOptions = SocketOptions()) throws(ZeroMQError) {
        guard let raw = zmq_socket(context.raw, kind.number) else { throw ZeroMQError.last("socket") }
        self.kind = kind
        self.raw = raw
        self.context = context
        frame = .allocate(capacity: 1)
        zmq_msg_init(frame)
        try options.apply(to: self)
    }

    deinit { close() }

    /// Ends the socket; what is queued is sent for as long as ``SocketOptions/linger`` says, then dropped.
    public func close() {
        guard !isClosed else { return }
        isClosed = true
        zmq_msg_close(frame)
        frame.deallocate()
        zmq_close(raw)
    }

    /// Traps a second thread in debug builds. libzmq's sockets are not thread safe, and a race corrupts silently.
    func checkOwner() {
        #if DEBUG
            precondition(!isClosed, "a closed ZeroMQ socket was used")
            if let owner {
                precondition(pthread_equal(owner, pthread_self()) != 0, "a ZeroMQ socket belongs to one thread")
            } else {
                owner = pthread_self()
            }
        #endif
    }

    public func bind(_ endpoint: String) throws(ZeroMQError) {
        guard zmq_bind(raw, endpoint) == 0 else { throw ZeroMQError.last("bind") }
    }

    public func connect(_ endpoint: String) throws(ZeroMQError) {
        guard zmq_connect(raw, endpoint) == 0 else { throw ZeroMQError.last("connect") }
    }

    /// SUB: messages whose first frame starts so.
    public func subscribe(_ prefix: String) throws(ZeroMQError) { try set(ZMQ_SUBSCRIBE, prefix) }

    /// How long ``close()`` lets queued messages be sent, in milliseconds.
    public func setLinger(milliseconds: Int32) throws(ZeroMQError) { try set(ZMQ_LINGER, milliseconds) }

    /// The address that was really bound: it has the port where `*` or 0 was asked for.
    public func lastEndpoint() throws(ZeroMQError) -> String {
        var length = 1024
        var bytes = [UInt8](repeating: 0, count: length)
        guard zmq_getsockopt(raw, ZMQ_LAST_ENDPOINT, &bytes, &length) == 0 else { throw ZeroMQError.last("endpoint") }
        return String(decoding: bytes.prefix(max(0, length - 1)), as: UTF8.self)
    }

    func set(_ option: Int32, _ value: some FixedWidthInteger) throws(ZeroMQError) {
        var value = value
        let size = MemoryLayout.size(ofValue: value)
        guard zmq_setsockopt(raw, option, &value, size) == 0 else { throw ZeroMQError.last("option") }
    }

    func set(_ option: Int32, _ text: String) throws(ZeroMQError) {
        guard zmq_setsockopt(raw, option, text, text.utf8.count) == 0 else { throw ZeroMQError.last("option") }
    }
}

extension Socket.Kind {
    var number: Int32 {
        switch self {
        case .dealer: return ZMQ_DEALER
        case .router: return ZMQ_ROUTER
        case .pub: return ZMQ_PUB
        case .xpub: return ZMQ_XPUB
        case .sub: return ZMQ_SUB
        case .pair: return ZMQ_PAIR
        case .req: return ZMQ_REQ
        case .rep: return ZMQ_REP
        }
    }
}
