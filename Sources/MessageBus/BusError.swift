import ZeroMQ

/// Why the bus cannot do what was asked. Says what to do.
public struct BusError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Code: String, Sendable, CaseIterable {
        /// ``PeerLimits`` allow no more; wait for acknowledgements or answers.
        case queueFull = "queue-full"
        /// The message is larger than the router would take; it can never be sent.
        case oversize
        /// The peer was stopped, or refused by the router.
        case stopped
        case addressInUse = "address-in-use"
        /// The address cannot be used at all: a path too long, no key, no such transport.
        case address
        /// libzmq or the system failed.
        case transport
    }

    public let code: Code
    public let message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { "\(code.rawValue): \(message)" }

    init(_ error: ZeroMQError) {
        self.init(error.isAddressInUse ? .addressInUse : .transport, error.description)
    }

    /// Runs what only libzmq can fail.
    static func translating<Value>(_ body: () throws(ZeroMQError) -> Value) throws(BusError) -> Value {
        do throws(ZeroMQError) {
            return try body()
        } catch {
            throw BusError(error)
        }
    }
}
