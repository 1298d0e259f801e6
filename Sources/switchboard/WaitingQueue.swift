import Dispatch
import Synchronization

/// Hands values from any thread to one that waits for them.
///
/// Its name and limit are its maker's; past the limit the newest value is dropped and counted, so a flood can neither
/// grow memory nor hide what came first.
final class WaitingQueue<Element: Sendable>: Sendable {
    let name: String
    let limit: Int
    private struct State {
        var elements: [Element] = []
        var dropped = 0
    }
    private let state = Mutex(State())
    private let arrived = DispatchSemaphore(value: 0)

    init(name: String, limit: Int) {
        self.name = name
        self.limit = limit
    }

    var dropped: Int { state.withLock { $0.dropped } }

    func put(_ element: Element) {
        let isTaken = state.withLock { state in
            guard state.elements.count < limit else {
                state.dropped += 1
                return false
            }
            state.elements.append(element)
            return true
        }
        if isTaken { arrived.signal() }
    }

    /// The oldest value; `nil` when none came in so many milliseconds.
    func take(within milliseconds: Int64) -> Element? {
        guard arrived.wait(timeout: .now() + .milliseconds(Int(max(0, milliseconds)))) == .success else { return nil }
        return state.withLock { $0.elements.removeFirst() }
    }
}
