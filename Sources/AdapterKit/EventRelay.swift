import MessageBus
import Synchronization

/// Ties the bus to its host, which is made after it. The bus starts only when both are tied.
final class EventRelay: Sendable {
    private let handler = Mutex<(@Sendable (PeerEvent) -> Void)?>(nil)

    func connect(_ handler: @escaping @Sendable (PeerEvent) -> Void) { self.handler.withLock { $0 = handler } }

    func receive(_ event: PeerEvent) {
        let handler = self.handler.withLock { $0 }
        handler?(event)
    }
}
