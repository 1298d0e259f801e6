import ZeroMQ

/// Key pairs for the encrypted socket, in Z85.
public struct RemoteKeys: Hashable, Sendable {
    public let publicKey: String
    public let secretKey: String

    /// - Throws: ``BusError`` with `transport` when libzmq was built without CURVE.
    public static func make() throws(BusError) -> RemoteKeys {
        let pair = try BusError.translating { () throws(ZeroMQError) in try Curve.makeKeyPair() }
        return RemoteKeys(publicKey: pair.publicKey, secretKey: pair.secretKey)
    }
}
