import CZeroMQ

/// A message as it came.
public struct ReceivedMessage: Sendable {
    /// For a ROUTER, the routing id of the peer that sent it.
    public var peer: [UInt8] = []
    public var parts: [[UInt8]] = []
    /// Bytes of all frames, also of those that were not kept.
    public var size = 0
    /// More frames or bytes came than were asked for; the rest was read and dropped.
    public var isCut = false
    /// Who the ZAP handler said the peer is; `nil` without CURVE.
    public var user: String?
}

extension Socket {
    /// The next message, or `nil` when none waits. Never waits.
    ///
    /// - Parameters:
    ///   - parts: frames that are kept; a longer message is read to its end and marked as cut.
    ///   - bytes: the same for the sum of their sizes.
    public func receive(parts: Int = 1024, bytes: Int = 16 << 20) throws(ZeroMQError) -> ReceivedMessage? {
        checkOwner()
        guard try receiveFrame(ZMQ_DONTWAIT) else { return nil }
        var message = ReceivedMessage()
        if kind == .router {
            message.peer = frameBytes
            // libzmq hands a message over whole, so its other frames are there and nothing here waits.
            guard zmq_msg_more(frame) != 0 else { return message }
            _ = try receiveFrame(0)
        }
        if let user = zmq_msg_gets(frame, "User-Id") { message.user = String(cString: user) }
        message.parts.reserveCapacity(expectedParts)
        while true {
            message.size += zmq_msg_size(frame)
            if message.parts.count < parts, message.size <= bytes {
                message.parts.append(frameBytes)
            } else {
                message.isCut = true
            }
            guard zmq_msg_more(frame) != 0 else { break }
            _ = try receiveFrame(0)
        }
        expectedParts = message.parts.count
        return message
    }

    private func receiveFrame(_ flags: Int32) throws(ZeroMQError) -> Bool {
        while zmq_msg_recv(frame, raw, flags) < 0 {
            switch zmq_errno() {
            case ZeroMQError.interrupted: continue
            case ZeroMQError.wouldBlock: return false
            default: throw ZeroMQError.last("receive")
            }
        }
        return true
    }

    private var frameBytes: [UInt8] {
        Array(UnsafeRawBufferPointer(start: zmq_msg_data(frame), count: zmq_msg_size(frame)))
    }
}
