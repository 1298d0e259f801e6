import Synchronization

/// A value that a test waits on, instead of sleeping and hoping.
public final class Watched<Value: Sendable>: Sendable {
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

    public init(_ value: Value) { state = Mutex(State(value: value)) }

    public var value: Value { state.withLock { $0.value } }

    @discardableResult
    public func change<Result: Sendable>(_ body: (inout Value) -> Result) -> Result {
        let (result, value, met) = state.withLock { state in
            let result = body(&state.value)
            let value = state.value
            let met = state.waiters.filter { $0.isMet(value) }
            if !met.isEmpty {
                let ids = Set(met.map(\.id))
                state.waiters.removeAll { ids.contains($0.id) }
            }
            return (result, value, met)
        }
        for waiter in met { waiter.continuation.resume(returning: value) }
        return result
    }

    /// The value as soon as it meets a condition.
    /// - Parameters:
    ///   - what: for the error's text.
    ///   - limit: a net under a broken test, far longer than anything takes.
    /// - Throws: ``TestTimeout``.
    public func wait(
        for what: String, within limit: Duration = .seconds(30), until isMet: @escaping @Sendable (Value) -> Bool
    ) async throws -> Value {
        let id = state.withLock { state in
            state.lastID += 1
            return state.lastID
        }
        let timer = Task {
            try await Task.sleep(for: limit)
            self.giveUp(id)
        }
        defer { timer.cancel() }
        let value = await withTaskCancellationHandler {
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
            self.giveUp(id)
        }
        guard let value else { throw TestTimeout(what: what) }
        return value
    }

    private func giveUp(_ id: UInt64) {
        let waiter = state.withLock { state in
            state.waiters.firstIndex { $0.id == id }.map { state.waiters.remove(at: $0) }
        }
        waiter?.continuation.resume(returning: nil)
    }
}

/// What a test waited for did not happen.
public struct TestTimeout: Error, CustomStringConvertible {
    public let what: String
    public init(what: String) { self.what = what }
    public var description: String { "waited in vain for \(what)" }
}
