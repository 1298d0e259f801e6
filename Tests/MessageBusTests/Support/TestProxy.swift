import MessageBus
import Synchronization
import ZeroMQ

/// Stands between peers and the router and may lose what passes: a ROUTER in front, a DEALER behind for each peer.
final class TestProxy: Sendable {
    enum Direction: Sendable {
        case toRouter, toPeer
    }

    /// Whether a message is to vanish; the command is its first frame.
    typealias Filter = @Sendable (Direction, _ parts: [[UInt8]]) -> Bool

    private let filter: Mutex<Filter>
    private let isStopping = Mutex(false)
    private let signal: WakeSignal
    private let thread = Mutex<DedicatedThread?>(nil)

    init(_ directory: SocketDirectory, dropping filter: @escaping Filter) throws {
        self.filter = Mutex(filter)
        signal = try WakeSignal()
        let context = try Context()
        var options = SocketOptions()
        options.isMandatory = true
        let front = try Socket(context, .router, options)
        try front.bind("ipc://\(directory.proxy)")
        let back = "ipc://\(directory.router)"
        let thread = try DedicatedThread(name: "test-proxy") { [self] in
            do {
                try run(front, context, back)
            } catch {
                preconditionFailure("\(error)")
            }
        }
        self.thread.withLock { $0 = thread }
    }

    func stop() {
        isStopping.withLock { $0 = true }
        signal.raise()
        let thread = thread.withLock { $0 }
        thread?.join()
        self.thread.withLock { $0 = nil }
    }

    private func run(_ front: Socket, _ context: Context, _ back: String) throws {
        var links: [(peer: [UInt8], socket: Socket)] = []
        while !isStopping.withLock({ $0 }) {
            var poller = Poller()
            poller.add(front)
            let woken = poller.add(signal)
            for link in links { poller.add(link.socket) }
            try poller.wait(milliseconds: -1)
            if poller.isReadable(woken) { signal.clear() }
            while let message = try front.receive() {
                let socket: Socket
                if let known = links.first(where: { $0.peer == message.peer }) {
                    socket = known.socket
                } else {
                    socket = try Socket(context, .dealer)
                    try socket.connect(back)
                    links.append((message.peer, socket))
                }
                if drops(.toRouter, message.parts) { continue }
                _ = try socket.send(message.parts)
            }
            for link in links {
                while let message = try link.socket.receive() {
                    if drops(.toPeer, message.parts) { continue }
                    _ = try front.send(message.parts, to: link.peer)
                }
            }
        }
    }

    private func drops(_ direction: Direction, _ parts: [[UInt8]]) -> Bool {
        let filter = filter.withLock { $0 }
        return filter(direction, parts)
    }
}
