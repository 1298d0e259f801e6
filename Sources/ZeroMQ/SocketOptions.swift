import CZeroMQ

/// What a socket is set to before it binds or connects. Every queue is finite: libzmq's zero (no limit) is not offered.
public struct SocketOptions: Hashable, Sendable {
    /// Messages that wait to be sent to one peer. At the limit a DEALER or a mandatory ROUTER says "full", a PUB drops.
    public var sendLimit: Int32 = 256
    /// Messages that wait to be received from one peer. At the limit the peer's sending stops.
    public var receiveLimit: Int32 = 256
    /// A peer that sends a larger frame is disconnected. In bytes.
    public var frameBytes: Int64 = 8 << 20
    /// How long a closed socket tries to send what is queued, in milliseconds.
    public var linger: Int32 = 0
    /// ROUTER: an unknown or full peer is an error instead of a silent drop.
    public var isMandatory = false
    /// A connection that has not finished its handshake after so many milliseconds is closed.
    public var handshakeInterval: Int32 = 5_000
    /// Between two attempts of `connect`, in milliseconds, doubling up to the second value.
    public var reconnect: Int32 = 50
    public var longestReconnect: Int32 = 2_000
    public var usesIPv6 = false
    /// Only queue for connections that stand.
    public var isImmediate = false
    public var security = Security.none

    /// CURVE keys, in Z85.
    public enum Security: Hashable, Sendable {
        case none
        /// Clients are let in by the context's ZAP handler. Without a handler libzmq lets everybody in (closing that
        /// is a draft option), so bind only after a handler answers and close the handler last.
        case server(secretKey: String, domain: String)
        case client(serverKey: String, publicKey: String, secretKey: String)
    }

    public init() {}

    func apply(to socket: Socket) throws(ZeroMQError) {
        try socket.set(ZMQ_SNDHWM, sendLimit)
        try socket.set(ZMQ_RCVHWM, receiveLimit)
        try socket.set(ZMQ_MAXMSGSIZE, frameBytes)
        try socket.set(ZMQ_LINGER, linger)
        try socket.set(ZMQ_HANDSHAKE_IVL, handshakeInterval)
        try socket.set(ZMQ_RECONNECT_IVL, reconnect)
        try socket.set(ZMQ_RECONNECT_IVL_MAX, longestReconnect)
        if usesIPv6 { try socket.set(ZMQ_IPV6, Int32(1)) }
        if isImmediate { try socket.set(ZMQ_IMMEDIATE, Int32(1)) }
        if isMandatory { try socket.set(ZMQ_ROUTER_MANDATORY, Int32(1)) }
        switch security {
        case .none: break
        case .server(let secretKey, let domain):
            try socket.set(ZMQ_CURVE_SERVER, Int32(1))
            try socket.set(ZMQ_CURVE_SECRETKEY, secretKey)
            try socket.set(ZMQ_ZAP_DOMAIN, domain)
        case .client(let serverKey, let publicKey, let secretKey):
            try socket.set(ZMQ_CURVE_SERVERKEY, serverKey)
            try socket.set(ZMQ_CURVE_PUBLICKEY, publicKey)
            try socket.set(ZMQ_CURVE_SECRETKEY, secretKey)
        }
    }
}
