import ZeroMQ

/// Where the router is.
public enum BusAddress: Hashable, Sendable {
    /// An `ipc` socket in a directory that only the user can enter.
    case local(path: String)
    /// `tcp://host:port` with CURVE; keys in Z85.
    case remote(endpoint: String, serverKey: String, publicKey: String, secretKey: String)

    /// The address for libzmq.
    /// - Throws: ``BusError`` with `address`, before anything is opened.
    func endpoint() throws(BusError) -> String {
        switch self {
        case .local(let path): return try SocketPath.endpoint(path)
        case .remote(let endpoint, let serverKey, let publicKey, let secretKey):
            guard endpoint.hasPrefix("tcp://") else {
                throw BusError(.address, "a remote address is tcp://host:port, not \(endpoint)")
            }
            guard [serverKey, publicKey, secretKey].allSatisfy(Curve.isKey) else {
                throw BusError(
                    .address,
                    "TCP needs CURVE: a key is missing or is no Z85 key of 40 characters; see `switchboard keys`")
            }
            return endpoint
        }
    }

    var security: SocketOptions.Security {
        switch self {
        case .local: return .none
        case .remote(_, let serverKey, let publicKey, let secretKey):
            return .client(serverKey: serverKey, publicKey: publicKey, secretKey: secretKey)
        }
    }
}
