import ZeroMQ

/// An observer's side of the tap: what the router says it does, live. Lines are missed when nobody reads them in time.
/// Belongs to the thread that makes it.
public final class TapReader {
    /// One line of the tap.
    public struct Line: Sendable {
        public let topic: String
        /// A JSON object.
        public let json: [UInt8]
    }

    private let context: Context
    private let socket: Socket

    /// - Parameter path: of the tap's socket. The router need not run yet, and may restart.
    /// - Throws: ``BusError`` with `address` for a path that cannot be used, `transport`.
    public init(_ path: String) throws(BusError) {
        let endpoint = try SocketPath.endpoint(path)
        (context, socket) = try BusError.translating { () throws(ZeroMQError) in
            let context = try Context()
            let socket = try Socket(context, .sub)
            try socket.subscribe("")
            try socket.connect(endpoint)
            return (context, socket)
        }
    }

    deinit { socket.close() }

    /// The next line; waits for as long as it takes.
    public func next() throws(BusError) -> Line {
        try BusError.translating { () throws(ZeroMQError) in
            while true {
                if let message = try socket.receive(parts: 2) {
                    guard message.parts.count == 2, let json = message.parts.last, let topic = message.parts.first
                    else {
                        continue
                    }
                    return Line(topic: String(decoding: topic, as: UTF8.self), json: json)
                }
                var poller = Poller()
                poller.add(socket)
                try poller.wait(milliseconds: -1)
            }
        }
    }
}
