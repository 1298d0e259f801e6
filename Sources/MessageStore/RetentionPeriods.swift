/// How long the store keeps what is settled. What is undelivered is never deleted.
public struct RetentionPeriods: Hashable, Sendable {
    /// After so many milliseconds the text of a settled event goes.
    public var text: Int64
    /// After so many more its identity goes: a copy that comes later would be taken as new.
    public var identity: Int64

    public init(text: Int64 = 30 * 86_400_000, identity: Int64 = 90 * 86_400_000) {
        self.text = text
        self.identity = identity
    }
}

extension StoreTurn {
    /// One slice of retention: looks at a bounded number of events from a place on and gives the place of the next
    /// slice, or `nil` when the rest is too young.
    public func retain(_ retention: RetentionPeriods, from start: EventSequence, rows: Int, now: Int64) throws
        -> EventSequence?
    {
        try retainOutbox(retention, rows: rows, now: now)
        try retainSpoken(retention, rows: rows, now: now)
        let look = try statement("SELECT seq, admitted FROM events WHERE seq > ? ORDER BY seq LIMIT ?")
        look.bind(1, start)
        look.bind(2, Int64(rows))
        var last: EventSequence?
        var textless: EventSequence = start
        var forgotten: EventSequence = start
        try look.each { row in
            let age = now - row.integer(1)
            if age > retention.text { textless = row.integer(0) }
            if age > retention.text + retention.identity { forgotten = row.integer(0) }
            last = row.integer(0)
        }
        guard let last, textless > start else { return nil }
        let open = "EXISTS (SELECT 1 FROM deliveries d WHERE d.event = events.seq AND d.session = s.id AND d.state < 2)"
        let settled = "NOT EXISTS (SELECT 1 FROM (\(Self.everySession)) s WHERE \(open))"
        let forget = try statement(
            "DELETE FROM events WHERE seq > ? AND seq <= ? AND seq < (SELECT max(seq) FROM events) AND \(settled)")
        forget.bind(1, start)
        forget.bind(2, forgotten)
        try forget.run()
        let clear = try statement(
            "UPDATE events SET body = NULL WHERE seq > ? AND seq <= ? AND body IS NOT NULL AND \(settled)")
        clear.bind(1, start)
        clear.bind(2, textless)
        try clear.run()
        let orphans = try statement(
            """
            DELETE FROM deliveries WHERE (session, event) IN (
                SELECT d.session, d.event FROM (\(Self.everySession)) s
                JOIN deliveries d ON d.session = s.id AND d.event > ? AND d.event <= ?
                WHERE NOT EXISTS (SELECT 1 FROM events WHERE seq = d.event))
            """)
        orphans.bind(1, start)
        orphans.bind(2, forgotten)
        try orphans.run()
        return textless == last ? last : nil
    }

    /// Nobody yet, those that a person has to choose, and all that ever were.
    private static let everySession =
        "SELECT \(unassignedSession) AS id UNION ALL SELECT \(heldSession) UNION ALL SELECT id FROM sessions"

    /// Which session sent a platform's message is known as long as an event of that time would be.
    private func retainSpoken(_ retention: RetentionPeriods, rows: Int, now: Int64) throws {
        let forget = try statement(
            """
            DELETE FROM spoken WHERE (source, chat, message) IN (
                SELECT source, chat, message FROM spoken WHERE at < ? ORDER BY at LIMIT ?)
            """)
        forget.bind(1, now - retention.text - retention.identity)
        forget.bind(2, Int64(rows))
        try forget.run()
    }

    /// What was sent, or given up, goes with its text; the oldest first, and never the newest, whose number is counted on.
    private func retainOutbox(_ retention: RetentionPeriods, rows: Int, now: Int64) throws {
        let forget = try statement(
            """
            DELETE FROM outbox WHERE id IN (SELECT id FROM outbox ORDER BY id LIMIT ?)
                AND state >= 2 AND changed < ? AND id < (SELECT max(id) FROM outbox)
            """)
        forget.bind(1, Int64(rows))
        forget.bind(2, now - retention.text)
        try forget.run()
    }
}
