import BusProtocol
import MessageBus
import OperatingHome
import Synchronization

/// A peer that only sees when the router takes it in: how a test waits for a router that was restarted.
final class RouterObserver: Sendable {
    private let peer: BusPeer
    private let welcomes: AsyncStream<Void>

    init(_ places: Places) throws {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
        welcomes = stream
        peer = BusPeer(
            address: .local(path: places.routerSocket),
            hello: Hello(
                role: .operator, name: "observer", program: "test", instance: RandomBytes.hexadecimal(count: 16), pid: 0
            )
        ) { event in
            if case .welcomed = event { continuation.yield() }
        }
        try peer.start()
    }

    private let seen = Mutex(0)

    /// Returns when the router has welcomed this peer so many times in all.
    func waitForWelcomes(_ count: Int) async {
        guard seen.withLock({ $0 }) < count else { return }
        for await _ in welcomes {
            let now = seen.withLock { seen in
                seen += 1
                return seen
            }
            if now >= count { return }
        }
    }

    func stop() { peer.stop() }
}
