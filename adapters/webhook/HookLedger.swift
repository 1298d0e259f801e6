import AdapterKit
import Synchronization

/// Publishes what changes the ``HookRecord``, one after the other: record and events are committed together, so that
/// neither is ever ahead of the other.
final class HookLedger: Sendable {
    private struct State {
        var record: HookRecord
        /// The one that publishes now, for the next one to wait for. At most as many wait as there are connections.
        var last: Task<Void, Never>?
    }

    private let state: Mutex<State>
    private let connection: AdapterConnection

    init(_ connection: AdapterConnection) {
        self.connection = connection
        state = Mutex(State(record: HookRecord(connection.cursor)))
    }

    var record: HookRecord { state.withLock { $0.record } }

    /// Publishes events; `change` says what they mean for the record, and may finish their heads.
    /// - Throws: ``PublishError``; then the record is as it was.
    func publish(
        _ events: [Event], within limit: Duration,
        change: @escaping @Sendable (inout HookRecord, inout [Event]) -> Void
    ) async throws(PublishError) -> Publication {
        let deadline = ContinuousClock.now + limit
        let result: Result<Publication, PublishError> = await inTurn { [self] in
            // Waiting for one's turn counts, too: behind a router that is away nobody waits longer than the first.
            let left = max(deadline - .now, .milliseconds(1))
            var record = self.record
            var events = events
            change(&record, &events)
            do throws(PublishError) {
                let cursor = record == self.record && !events.isEmpty ? nil : record.cursor
                let publication = try await connection.publish(events, cursor: cursor, within: left)
                if publication.refused.isEmpty { state.withLock { $0.record = record } }
                return .success(publication)
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private func inTurn<Value: Sendable>(_ body: @escaping @Sendable () async -> Value) async -> Value {
        let task: Task<Value, Never> = state.withLock { state in
            let previous = state.last
            let task = Task {
                await previous?.value
                return await body()
            }
            state.last = Task { _ = await task.value }
            return task
        }
        return await task.value
    }
}
