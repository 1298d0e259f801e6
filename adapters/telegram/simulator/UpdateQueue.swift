import JSON

/// What the server keeps for a bot until it is told that it was read. Pure; times are in milliseconds since 1970.
struct UpdateQueue {
    /// Further updates are dropped, as by the real server.
    static let capacity = 100_000
    static let day: Int64 = 86_400_000

    private struct Entry {
        var id: Int64
        var kind: String
        var object: JSONValue
        var end: Int64
    }

    /// One call that made the server forget: everything below `offset`.
    struct Commit: Hashable, Sendable {
        var offset: Int64
        var forgotten: Int
    }

    /// The ledger, in order.
    private(set) var commits: [Commit] = []
    /// The highest id that was shown to a poll.
    private(set) var shown: Int64?
    private(set) var expired = 0
    private var entries: [Entry] = []
    private var next: Int64
    private var lastAdded: Int64?

    init(first: Int64) { next = first }

    var count: Int { entries.count }
    var nextID: Int64 { next }

    /// - Returns: the update's id, or `nil` when the queue is full.
    @discardableResult
    mutating func add(_ kind: String, _ object: JSONValue, now: Int64, life: Int64 = day) -> Int64? {
        expire(now)
        guard entries.count < Self.capacity else { return nil }
        // After a week without updates the numbers begin anew, anywhere.
        if let last = lastAdded, now - last >= 7 * Self.day, entries.isEmpty {
            restart(at: Int64.random(in: 1..<1 << 30))
        }
        lastAdded = now
        defer { next += 1 }
        entries.append(Entry(id: next, kind: kind, object: object, end: now + life))
        return next
    }

    mutating func restart(at id: Int64) { next = id }

    /// What one poll brings. Commits first: what is below the offset is gone.
    mutating func serve(offset: Int64, limit: Int, now: Int64) -> [JSONValue] {
        expire(now)
        let head = entries.first?.id ?? next
        if offset < 0 {
            // Keeps the newest and forgets the rest.
            forget(max(0, entries.count - Int(clamping: -offset)), offset: next + offset)
        } else if offset > next + 10 || offset < head - 100_000 {
            // The server takes such a number for a mistake and serves from the beginning, without a word.
        } else {
            forget(entries.prefix { $0.id < offset }.count, offset: offset)
        }
        let batch = entries.prefix(limit)
        if let last = batch.last { shown = max(shown ?? last.id, last.id) }
        return batch.map { ["update_id": .integer($0.id), $0.kind: $0.object] }
    }

    /// Changes what waits, as when an account goes.
    mutating func clear() { entries = [] }

    private mutating func forget(_ count: Int, offset: Int64) {
        guard count > 0 else { return }
        entries.removeFirst(count)
        commits.append(Commit(offset: offset, forgotten: count))
    }

    private mutating func expire(_ now: Int64) {
        let before = entries.count
        if entries.contains(where: { $0.end <= now }) { entries.removeAll { $0.end <= now } }
        expired += before - entries.count
    }
}
