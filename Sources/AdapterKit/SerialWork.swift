import Synchronization

/// Jobs in the order they came, one at a time, off the bus thread.
final class SerialWork: Sendable {
    typealias Job = @Sendable () async -> Void

    private struct State {
        var jobs: [Job] = []
        var isRunning = false
    }

    private let limit: Int
    private let state = Mutex(State())

    /// - Parameter limit: jobs that wait; past it ``add(_:)`` takes none.
    init(limit: Int) { self.limit = limit }

    @discardableResult
    func add(_ job: @escaping Job) -> Bool {
        let (isTaken, starts) = state.withLock { state in
            guard state.jobs.count < limit else { return (false, false) }
            state.jobs.append(job)
            defer { state.isRunning = true }
            return (true, !state.isRunning)
        }
        if starts { Task { await run() } }
        return isTaken
    }

    private func run() async {
        while let job = next() { await job() }
    }

    private func next() -> Job? {
        state.withLock { state in
            guard !state.jobs.isEmpty else {
                state.isRunning = false
                return nil
            }
            return state.jobs.removeFirst()
        }
    }
}
