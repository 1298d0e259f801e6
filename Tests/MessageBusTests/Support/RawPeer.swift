import BusProtocol
import ZeroMQ

/// A bare DEALER, for what BusPeer would never do.
final class RawPeer {
    private let context: Context
    let socket: Socket

    init(_ path: String, receiveLimit: Int32 = 256) throws {
        context = try Context()
        var options = SocketOptions()
        options.receiveLimit = receiveLimit
        options.frameBytes = -1
        socket = try Socket(context, .dealer, options)
        try socket.connect("ipc://\(path)")
    }

    func send(_ parts: [[UInt8]]) throws { _ = try socket.send(parts) }

    /// Waits five seconds at most; `nil` when nothing came.
    func receiveParts(milliseconds: Int = 5_000) throws -> [[UInt8]]? {
        var poller = Poller()
        poller.add(socket)
        try poller.wait(milliseconds: milliseconds)
        return try socket.receive()?.parts
    }

    func receive() throws -> RouterMessage? {
        try receiveParts().map { try RouterMessage(try BusFrames(parts: $0)) }
    }
}
