import Synchronization

/// What happened, in order; a test waits for a condition over all of it instead of for time to pass.
final class EventLog<Entry: Sendable>: Sendable {
    private struct Waiter {
        let number: Int
        let condition: @Sendable ([Entry]) -> Bool
        let continuation: CheckedContinuation<Void, Never>
    }

    private struct State {
        var entries: [Entry] = []
        var waiters: [Waiter] = []
        var lastNumber = 0
        var cancelled: Set<Int> = []
    }

    private let state = Mutex(State())

    var entries: [Entry] { state.withLock { $0.entries } }

    func append(_ entry: Entry) {
        let ready = state.withLock { state in
            state.entries.append(entry)
            let ready = state.waiters.filter { $0.condition(state.entries) }
            let numbers = Set(ready.map(\.number))
            state.waiters.removeAll { numbers.contains($0.number) }
            return ready
        }
        for waiter in ready { waiter.continuation.resume() }
    }

    /// Returns when the condition holds; the test's time limit, which cancels it, is the only other end.
    func wait(until condition: @escaping @Sendable ([Entry]) -> Bool) async throws {
        let number = state.withLock { state in
            state.lastNumber += 1
            return state.lastNumber
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isReady = state.withLock { state in
                    if state.cancelled.contains(number) || condition(state.entries) { return true }
                    state.waiters.append(Waiter(number: number, condition: condition, continuation: continuation))
                    return false
                }
                if isReady { continuation.resume() }
            }
        } onCancel: {
            let waiter = state.withLock { state in
                state.cancelled.insert(number)
                let waiter = state.waiters.first { $0.number == number }
                state.waiters.removeAll { $0.number == number }
                return waiter
            }
            waiter?.continuation.resume()
        }
        guard state.withLock({ condition($0.entries) }) else { throw NeverHappened(entries: "\(entries.suffix(5))") }
    }

    struct NeverHappened: Error {
        /// What happened last instead.
        let entries: String
    }

    /// The first entry that gives a value.
    func first<Value: Sendable>(_ transform: @escaping @Sendable (Entry) -> Value?) async throws -> Value {
        try await wait { $0.contains { transform($0) != nil } }
        for entry in entries {
            if let value = transform(entry) { return value }
        }
        preconditionFailure("entries are never removed")
    }
}
