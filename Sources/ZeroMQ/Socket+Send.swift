import CZeroMQ

extension Socket {
    public enum SendOutcome: Sendable {
        case sent
        /// The queue to the peer is full, or there is no connection and no room to wait for one.
        case full
        /// ROUTER: no such peer is connected.
        case gone
    }

    /// Sends a whole message or nothing. Never waits.
    ///
    /// - Parameter peer: for a ROUTER, the routing id of the peer that gets it.
    public func send(_ parts: [[UInt8]], to peer: [UInt8]? = nil) throws(ZeroMQError) -> SendOutcome {
        checkOwner()
        var isFirst = true
        if let peer {
            let outcome = try send(peer, isFirst: true, isLast: parts.isEmpty)
            guard outcome == .sent else { return outcome }
            isFirst = false
        }
        let last = parts.count - 1
        for (index, part) in parts.enumerated() {
            let outcome = try send(part, isFirst: isFirst, isLast: index == last)
            guard outcome == .sent else { return outcome }
            isFirst = false
        }
        return .sent
    }

    /// Only the first frame can find a queue full: libzmq counts whole messages. The frames after it go without
    /// DONTWAIT, with which a connection that dies in between would leave half a message and an error behind; so
    /// libzmq drops the rest of the message by itself, and does not wait either.
    private func send(_ part: [UInt8], isFirst: Bool, isLast: Bool) throws(ZeroMQError) -> SendOutcome {
        let flags = (isFirst ? ZMQ_DONTWAIT : 0) | (isLast ? 0 : ZMQ_SNDMORE)
        while true {
            let sent = part.withUnsafeBufferPointer { zmq_send(raw, $0.baseAddress, $0.count, flags) }
            guard sent < 0 else { return .sent }
            switch zmq_errno() {
            case ZeroMQError.interrupted: continue
            case ZeroMQError.wouldBlock: return .full
            case ZeroMQError.hostUnreachable: return .gone
            default: throw ZeroMQError.last("send")
            }
        }
    }
}
