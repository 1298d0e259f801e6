import BusProtocol
import ChannelEvents
import JSON
import MessageBus
import Synchronization

/// The publishing half of a connection: holds the authors that wait, and hands the bus what credit allows.
final class Publisher: Sendable {
    private typealias Waiter = CheckedContinuation<Result<Publication, PublishError>, Never>

    private struct State {
        var queue: PublishQueue
        var waiters: [PublishQueue.Ticket: (waiter: Waiter, timer: Task<Void, Never>?)] = [:]
        var isWelcomed = false
        var isStopped = false
    }

    private let port: any BusPort
    private let state: Mutex<State>

    init(port: any BusPort, limits: PublishQueue.Limits = PublishQueue.Limits()) {
        self.port = port
        state = Mutex(State(queue: PublishQueue(limits: limits)))
    }

    // MARK: The author's side

    func publish(
        _ events: [PublishedEvent], cursor: [UInt8]?, within limit: Duration?
    ) async throws(PublishError) -> Publication {
        let ticket = state.withLock { $0.queue.makeTicket() }
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { (waiter: Waiter) in
                if let early = add(events, cursor, as: ticket, within: limit, waiter) {
                    waiter.resume(returning: early)
                }
            }
        } onCancel: {
            // Without a waiter yet nothing happens here: `add` comes later and sees that the task was cancelled.
            self.giveUp(ticket, .cancelled, whenUnderWay: .cancelled)
        }
        return try result.get()
    }

    private func add(
        _ events: [PublishedEvent], _ cursor: [UInt8]?, as ticket: PublishQueue.Ticket, within limit: Duration?,
        _ waiter: Waiter
    ) -> Result<Publication, PublishError>? {
        state.withLock { state in
            guard !state.isStopped else { return .failure(PublishError(.stopped)) }
            guard !Task.isCancelled else { return .failure(PublishError(.cancelled)) }
            do throws(PublishError) {
                if let done = try state.queue.add(events, cursor: cursor, as: ticket) { return .success(done) }
            } catch {
                return .failure(error)
            }
            let timer = limit.map { limit in Task { await self.expire(ticket, after: limit) } }
            state.waiters[ticket] = (waiter, timer)
            pump(&state)
            return nil
        }
    }

    private func expire(_ ticket: PublishQueue.Ticket, after limit: Duration) async {
        do {
            try await Task.sleep(for: limit)
        } catch {
            return  // it was acknowledged in time
        }
        giveUp(ticket, .away, whenUnderWay: .unacknowledged)
    }

    private func giveUp(
        _ ticket: PublishQueue.Ticket, _ code: PublishError.Code, whenUnderWay underWay: PublishError.Code
    ) {
        let given = state.withLock { state -> (Waiter, PublishError.Code, Task<Void, Never>?)? in
            guard let (waiter, timer) = state.waiters.removeValue(forKey: ticket) else { return nil }
            return (waiter, state.queue.withdraw(ticket) == .removed ? code : underWay, timer)
        }
        guard let (waiter, code, timer) = given else { return }
        timer?.cancel()
        waiter.resume(returning: .failure(PublishError(code)))
    }

    // MARK: The bus's side

    func welcomed() {
        state.withLock { state in
            state.isWelcomed = true
            state.queue.welcomed()
            pump(&state)
        }
    }

    /// Where the adapter stands, when it got further than WELCOME said.
    var committedCursor: JSONValue? {
        guard let bytes = state.withLock({ $0.queue.committedCursor }) else { return nil }
        do throws(JSONError) {
            return try JSONValue(parsing: bytes)
        } catch {
            return nil  // these are bytes that a JSONValue wrote
        }
    }

    func lost() { state.withLock { $0.isWelcomed = false } }

    /// The router takes more.
    func credited() { state.withLock { pump(&$0) } }

    func acknowledged(_ sequence: UInt64, refused: [RefusedEvent]) {
        state.withLock { state in
            complete(state.queue.acknowledged(sequence, refused: refused), &state)
            pump(&state)
        }
    }

    /// Resuming a continuation only makes its task ready, so it may happen under the lock.
    private func complete(_ publications: [(PublishQueue.Ticket, Publication)], _ state: inout State) {
        for (ticket, publication) in publications {
            guard let (waiter, timer) = state.waiters.removeValue(forKey: ticket) else { continue }
            timer?.cancel()
            waiter.resume(returning: .success(publication))
        }
    }

    /// No publish is taken any more; those that wait end with `stopped`.
    func stop() {
        let waiters = state.withLock { state in
            state.isStopped = true
            defer { state.waiters = [:] }
            return Array(state.waiters.values)
        }
        for (waiter, timer) in waiters {
            timer?.cancel()
            waiter.resume(returning: .failure(PublishError(.stopped)))
        }
    }

    /// Publishes that wait for credit, and events sent but not acknowledged.
    var depth: (waiting: Int, underWay: Int) {
        state.withLock { ($0.queue.waitingCount, $0.queue.eventsUnderWay) }
    }

    /// Under the lock, so that the order of sequences is the order of the queue.
    private func pump(_ state: inout State) {
        guard state.isWelcomed, !state.isStopped else { return }
        var limit = BusLimits.batch
        while let outgoing = state.queue.next(port.credit, limit: limit) {
            do throws(BusError) {
                state.queue.sent(outgoing, as: try port.send(.publish(outgoing.publish)))
                limit = BusLimits.batch
            } catch {
                guard error.code == .oversize else {
                    // The bus's own queue is full, or it stops; the next acknowledgement pumps again.
                    return state.queue.putBack(outgoing)
                }
                // Heads that grow past the header's limit by their escapes: one by one they fit, or never do.
                if outgoing.publish.events.count > 1 {
                    state.queue.putBack(outgoing)
                    limit = 1
                } else {
                    complete(state.queue.dropped(outgoing), &state)
                }
            }
        }
    }
}
