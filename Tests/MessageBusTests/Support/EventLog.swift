import Synchronization

/// What happened, in order; a test waits for a condition over all of it instead of for time to pass.
final class EventLog<Entry: Sendable>: Sendable {
    private struct Waiter {
        let condition: @Sendable ([Entry]) -> Bool
        let continuation: CheckedContinuation<Void, Never>
    }

    private struct State {
        var entries: [Entry] = []
        var waiters: [Waiter] = []
    }

    private let state = Mutex(State())

    var entries: [Entry] { state.withLock { $0.entries } }

    func append(_ entry: Entry) {
        let ready = state.withLock { state in
            state.entries.append(entry)
            let ready = state.waiters.filter { $0.condition(state.entries) }
            if !ready.isEmpty { state.waiters.removeAll { $0.condition(state.entries) } }
            return ready
        }
        for waiter in ready { waiter.continuation.resume() }
    }

    /// Returns when the condition holds; the test's time limit is the only other end.
    func wait(until condition: @escaping @Sendable ([Entry]) -> Bool) async {
        await withCheckedContinuation { continuation in
            let isReady = state.withLock { state in
                if condition(state.entries) { return true }
                state.waiters.append(Waiter(condition: condition, continuation: continuation))
                return false
            }
            if isReady { continuation.resume() }
        }
    }

    /// The first entry that gives a value.
    func first<Value: Sendable>(_ transform: @escaping @Sendable (Entry) -> Value?) async -> Value {
        await wait { $0.contains { transform($0) != nil } }
        for entry in entries {
            if let value = transform(entry) { return value }
        }
        preconditionFailure("entries are never removed")
    }
}
