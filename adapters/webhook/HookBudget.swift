import Synchronization

/// How many requests of each route are taken within a minute. What is more comes again later: its sender hears 503.
final class HookBudget: Sendable {
    private static let window: Int64 = 60_000

    private struct Count {
        var since: Int64
        var taken: Int64
    }

    /// As many as there are routes with a budget.
    private let counts = Mutex<[HookName: Count]>([:])

    /// - Parameter now: milliseconds.
    /// - Returns: `nil` when the request may be taken, else how long to wait, in milliseconds.
    func take(_ route: HookName, limit: Int64, now: Int64) -> Int64? {
        counts.withLock { counts in
            var count = counts[route] ?? Count(since: now, taken: 0)
            // A clock that was set back begins a new window, too.
            if now - count.since >= Self.window || now < count.since { count = Count(since: now, taken: 0) }
            guard count.taken < limit else { return count.since + Self.window - now }
            count.taken += 1
            counts[route] = count
            return nil
        }
    }
}
