public import BusProtocol
import ZeroMQ

extension BusListener {
    /// A `tcp` socket with CURVE for peers on other machines. There is no such socket without keys.
    public struct RemoteListener: Sendable {
        /// `tcp://address:port`
        public var endpoint: String
        /// Keys in Z85.
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

        func check() throws(BusError) {
            guard endpoint.hasPrefix("tcp://") else {
                throw BusError(.address, "a remote address is tcp://address:port, not \(endpoint)")
            }
            guard Curve.isKey(secretKey), Curve.isKey(publicKey) else {
                throw BusError(
                    .address,
                    "TCP needs CURVE: the router's key pair is missing or is no Z85 key; see `switchboard keys`")
            }
            let derived = try BusError.translating { () throws(ZeroMQError) in try Curve.publicKey(of: secretKey) }
            guard derived == publicKey else {
                throw BusError(
                    .address, "the router's public key does not belong to its secret key; see `switchboard keys`")
            }
            guard let bad = authorized.first(where: { !Curve.isKey($0.key) }) else { return }
            throw BusError(
                .address, "the key of \(bad.value.name) is no Z85 key of 40 characters; see `switchboard keys`")
        }
    }

    /// What a key stands for.
    public struct AuthorizedPeer: Hashable, Sendable {
        public var role: Role
        public var name: String

        public init(role: Role, name: String) {
            self.role = role
            self.name = name
        }

        /// A key may say HELLO only as what it stands for.
        func check(_ hello: Hello) throws(ProtocolError) {
            guard hello.role == role else { throw ProtocolError(.role, "this key has another role") }
            guard hello.name == name else { throw ProtocolError(.sourceName, "this key stands for another name") }
        }
    }

    /// What came in: a message, or the reason why it is none.
    public struct Inbound: Sendable {
        public var link: LinkID
        /// For a remote link, who its key says it is; looked up for every message.
        public var authorized: AuthorizedPeer?
        /// A refused HELLO of a remote peer (`role`, `source-name`) or a withdrawn key (`not-allowed`) is to be answered
        /// with BYE, all else with ERROR.
        public var message: Result<PeerMessage, ProtocolError>
        /// The command's name for a refusal, when it is a known one; else empty.
        public var command: String
        /// All bytes of the message.
        public var size: Int

        /// What it takes of a batch.
        var eventCount: Int {
            guard case .success(.numbered(_, let numbered)) = message else { return 1 }
            return numbered.eventCount
        }
    }

    public enum SendOutcome: Sendable {
        case sent
        /// The peer's queue is full: it does not read.
        case full
        case gone
    }

    /// Counts since the start; they only rise.
    public struct Counters: Hashable, Sendable {
        public var messages: UInt64 = 0
        public var bytes: UInt64 = 0
        /// Messages that could not be read or were not allowed.
        public var refused: UInt64 = 0
        public var sent: UInt64 = 0
        public var full: UInt64 = 0
        public var gone: UInt64 = 0
        public var tapLines: UInt64 = 0
        public var tapFailures: UInt64 = 0

        mutating func count(_ outcome: SendOutcome) {
            switch outcome {
            case .sent: sent += 1
            case .full: full += 1
            case .gone: gone += 1
            }
        }
    }
}
