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
