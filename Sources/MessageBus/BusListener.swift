public import BusProtocol

/// One connection of a peer, as the router's socket knows it: libzmq's own routing id.
public struct LinkID: Hashable, Sendable {
    public let bytes: [UInt8]
    /// True when it came over the CURVE socket.
    public let isRemote: Bool

    public init(bytes: [UInt8], isRemote: Bool = false) {
        self.bytes = bytes
        self.isRemote = isRemote
    }
}

/// The router's side of the bus: ROUTER for peers, PUB for the tap. Owned by the thread of the router's loop.
public final class BusListener {
    public init(local path: String, tap tapPath: String, remote: RemoteListener? = nil) throws(BusError) {}

    public struct RemoteListener: Sendable {
        public var endpoint: String
        public var publicKey: String
        public var secretKey: String
        /// Client public key (Z85) to the name that key may claim and the role it has.
        public var authorized: [String: AuthorizedPeer]

        public init(endpoint: String, publicKey: String, secretKey: String, authorized: [String: AuthorizedPeer]) {
            self.endpoint = endpoint
            self.publicKey = publicKey
            self.secretKey = secretKey
            self.authorized = authorized
        }
    }

    public struct AuthorizedPeer: Hashable, Sendable {
        public var role: Role
        public var name: String

        public init(role: Role, name: String) {
            self.role = role
            self.name = name
        }
    }

    /// What came in: a message, or the reason why it is none.
    public struct Inbound: Sendable {
        public var link: LinkID
        /// For a remote link, who its key says it is; checked on every message.
        public var authorized: AuthorizedPeer?
        public var message: Result<PeerMessage, ProtocolError>
        /// The command's name for a refusal, when it is a known one.
        public var command: String
        public var size: Int
    }

    public enum SendOutcome: Sendable {
        case sent
        /// The peer's queue is full: it does not read.
        case full
        case gone
    }

    /// Waits for messages or ``BusWaker/wake()``, at most so many milliseconds.
    public func wait(milliseconds: Int) throws(BusError) {}

    /// Takes what is there, at most so many events and bytes.
    public func receive(events: Int, bytes: Int) throws(BusError) -> [Inbound] { [] }

    public func send(_ message: RouterMessage, to link: LinkID) -> SendOutcome { .gone }

    /// One line of the tap: a topic (`event`, `delivery`, `source`, `session`, `outbox`, …) and a JSON object.
    public func publishTap(topic: String, line: [UInt8]) {}

    /// A handle by which any thread ends ``wait(milliseconds:)``.
    public var waker: BusWaker { BusWaker() }
}

public final class BusWaker: Sendable {
    public func wake() {}
}
