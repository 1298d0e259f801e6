import ZeroMQ

/// Reads the router's tap. Owned by one thread; lines are missed when it reads too slowly or no router runs, and it
/// connects again by itself.
///
/// Queue: 4096 lines; more are dropped, oldest kept.
public final class TapObserver {
    public struct Line: Hashable, Sendable {
        public let topic: String
        /// A JSON object.
        public let json: [UInt8]
    }

    private let context: Context
    private let socket: Socket
    /// Ends ``next(milliseconds:)`` from any thread.
    public let waker: BusWaker

    /// - Parameters:
    ///   - path: of the tap's socket.
    ///   - topics: prefixes of what to observe; none is everything.
    public init(path: String, topics: [String] = []) throws(BusError) {
        let endpoint = try SocketPath.endpoint(path)
        waker = try BusWaker()
        (context, socket) = try BusError.translating { () throws(ZeroMQError) in
            let context = try Context()
            var options = SocketOptions()
            options.receiveLimit = 4096
            let socket = try Socket(context, .sub, options)
            for topic in topics.isEmpty ? [""] : topics { try socket.subscribe(topic) }
            try socket.connect(endpoint)
            return (context, socket)
        }
    }

    /// The next line, or `nil` when none came in this time or the waker was called.
    ///
    /// - Parameter milliseconds: negative waits for as long as it takes.
    public func next(milliseconds: Int) throws(BusError) -> Line? {
        try BusError.translating { () throws(ZeroMQError) in
            if let line = try take() { return line }
            var poller = Poller()
            poller.add(socket)
            let signal = poller.add(waker.signal)
            try poller.wait(milliseconds: milliseconds)
            if poller.isReadable(signal) { waker.signal.clear() }
            return try take()
        }
    }

    private func take() throws(ZeroMQError) -> Line? {
        while let message = try socket.receive(parts: 2) {
            guard message.parts.count == 2, !message.isCut else { continue }
            return Line(topic: String(decoding: message.parts[0], as: UTF8.self), json: message.parts[1])
        }
        return nil
    }
}
