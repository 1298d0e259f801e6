public import JSON
public import OperatingHome
import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

extension ScriptedSession {
    /// The answer to a request, an error too.
    public func response(to id: JSONValue, within: Duration = .seconds(30)) async throws -> JSONValue {
        try await wait("an answer to \(id.text)", within) { record in
            record.messages.first { $0["id"] == id && $0["method"] == nil }
        }
    }

    /// All channel events so far, once there are at least so many.
    public func channelEvents(_ count: Int, within: Duration = .seconds(30)) async throws -> [ChannelEvent] {
        try await wait("\(count) channel events", within) { record in
            record.channelEvents.count >= count ? record.channelEvents : nil
        }
    }

    /// The first channel event that fits.
    public func channelEvent(
        within: Duration = .seconds(30), where fits: @escaping @Sendable (ChannelEvent) -> Bool
    ) async throws -> ChannelEvent {
        try await wait("a channel event", within) { record in record.channelEvents.first(where: fits) }
    }

    /// Returns when so many notifications came that fit.
    func notification(
        within: Duration, _ what: String, where fits: @escaping @Sendable (JSONValue) -> Bool,
        count isEnough: @escaping @Sendable (Int) -> Bool
    ) async throws {
        _ = try await wait(what, within) { record -> Bool? in
            isEnough(record.messages.count { $0["id"] == nil && fits($0) }) ? true : nil
        }
    }

    /// What came so far, without waiting.
    /// Whether a request has its answer.
    public func hasAnswered(_ id: JSONValue) -> Bool {
        state.withLock { $0.record.messages.contains { $0["id"] == id } }
    }

    public var channelEvents: [ChannelEvent] { state.withLock { $0.record.channelEvents } }
    /// Lines on standard output that are no JSON. Must stay empty.
    public var strayLines: [String] { state.withLock { $0.record.strayLines } }
    /// Notifications other than channel events.
    public var notifications: [JSONValue] {
        state.withLock { $0.record.messages.filter { $0["method"] != nil && $0["id"] == nil } }
    }
    public var errorLog: String { state.withLock { String(decoding: $0.record.errorLog, as: UTF8.self) } }

    // MARK: The end

    /// Closes the child's input, as Claude Code does at the end of a session.
    public func closeInput() {
        let input = state.withLock { state in
            defer { state.input = nil }
            return state.input
        }
        if let input { close(input) }
    }

    public func signal(_ number: Int32) { kill(pid, number) }

    /// How the child ended, once its output has, too.
    public func ended(within: Duration = .seconds(30)) async throws -> ExitStatus {
        try await wait("the end of the child", within) { record in record.outputEnded ? record.status : nil }
    }

    // MARK: Waiting

    private func wait<Value: Sendable>(
        _ what: String, _ limit: Duration, _ find: @escaping @Sendable (Record) -> Value?
    ) async throws -> Value {
        // The clock only bounds a failure; what is waited for is the child's own word.
        try await withThrowingTaskGroup(of: Value.self) { group in
            group.addTask { try await self.next(find) }
            group.addTask {
                try await Task.sleep(for: limit)
                throw Failure(description: "no \(what) within \(limit); the child's log:\n\(self.errorLog)")
            }
            defer { group.cancelAll() }
            guard let value = try await group.next() else { throw CancellationError() }
            return value
        }
    }

    private func next<Value: Sendable>(_ find: @escaping @Sendable (Record) -> Value?) async throws -> Value {
        let waiter = state.withLock { state in
            defer { state.nextWaiter += 1 }
            return state.nextWaiter
        }
        let found: Value? = await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Value?, Never>) in
                state.withLock { state in
                    if let value = find(state.record) { return continuation.resume(returning: value) }
                    if Task.isCancelled { return continuation.resume(returning: nil) }
                    state.waiters[waiter] = { record in
                        // Without a record: the waiting task was cancelled.
                        guard let record else {
                            continuation.resume(returning: nil)
                            return true
                        }
                        guard let value = find(record) else { return false }
                        continuation.resume(returning: value)
                        return true
                    }
                }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: waiter) }.map { _ = $0(nil) }
        }
        guard let found else { throw CancellationError() }
        return found
    }
}
