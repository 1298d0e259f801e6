import Synchronization

/// A value of which only the newest matters, and which can be waited for.
final class Latest<Value: Sendable>: Sendable {
    private struct Waiter {
        var id: UInt64
        var isMet: @Sendable (Value) -> Bool
        var continuation: CheckedContinuation<Value?, Never>
    }

    private struct State {
        var value: Value
        var waiters: [Waiter] = []
        var lastID: UInt64 = 0
    }

    private let state: Mutex<State>

    init(_ value: Value) { state = Mutex(State(value: value)) }

    var value: Value { state.withLock { $0.value } }

    /// Changes the value and wakes those whose condition it meets.
    func change(_ body: (inout Value) -> Void) {
        let (value, met) = state.withLock { state in
            body(&state.value)
            let value = state.value
            let met = state.waiters.filter { $0.isMet(value) }
            if !met.isEmpty { state.waiters.removeAll { $0.isMet(value) } }
            return (value, met)
        }
        for waiter in met { waiter.continuation.resume(returning: value) }
    }

    /// The value as soon as it meets a condition; `nil` when the task was cancelled before.
    func wait(until isMet: @escaping @Sendable (Value) -> Bool) async -> Value? {
        let id = state.withLock { state in
            state.lastID += 1
            return state.lastID
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let early: Value?? = state.withLock { state in
                    if isMet(state.value) { return .some(state.value) }
                    if Task.isCancelled { return .some(nil) }
                    state.waiters.append(Waiter(id: id, isMet: isMet, continuation: continuation))
                    return .none
                }
                if let early { continuation.resume(returning: early) }
            }
        } onCancel: {
            let waiter = state.withLock { state in
                state.waiters.firstIndex { $0.id == id }.map { state.waiters.remove(at: $0) }
            }
            waiter?.continuation.resume(returning: nil)
        }
    }
}
