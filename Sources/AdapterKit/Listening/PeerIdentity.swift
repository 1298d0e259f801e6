#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Says which user holds the other end of a connection on this machine.
package protocol PeerIdentity: Sendable {
    /// - Returns: the user's id, or `nil` when the system cannot tell; then the caller must show a token.
    func user(of peer: ListenAddress, connectedTo local: ListenAddress) -> UInt32?
}

package struct SystemPeerIdentity: PeerIdentity {
    package init() {}

    package static var ownUser: UInt32 { geteuid() }

    package func user(of peer: ListenAddress, connectedTo local: ListenAddress) -> UInt32? {
        guard peer.isLoopback, local.isLoopback else { return nil }
        #if os(Linux)
            // The caller's own socket: our ends, the other way round.
            return SocketTable.row(local: peer, remote: local, state: SocketTable.established)?.user
        #else
            return nil
        #endif
    }
}
