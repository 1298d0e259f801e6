public import ChannelEvents
import GRDB

/// What one turn of the loop does to the store. Valid inside ``MessageStore/turn(_:)``.
public struct StoreTurn {
    let db: Database
    private var admission: HotStatement?
    private var insertion: HotStatement?
    private var transition: HotStatement?

    init(_ db: Database) {
        self.db = db
    }

    func statement(_ sql: String) throws -> HotStatement { try HotStatement(db, sql) }

    /// Inserts an event; `nil` when it was known. The uniqueness constraint is the deduplication.
    public mutating func admit(_ event: NewEvent, now: Int64) throws -> EventSequence? {
        let insert =
            try admission
            ?? statement(
                """
                INSERT OR IGNORE INTO events (source, id, chat, thread, sender, kind, authentication, flags, part_of,
                    reply_to, time, admitted, rule, body, fingerprint, state)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """)
        admission = insert
        let head = event.head
        insert.bind(1, event.source)
        insert.bind(2, head.id)
        insert.bind(3, head.chat)
        insert.bind(4, head.thread)
        insert.bind(5, head.sender)
        insert.bind(6, head.kind.rawValue)
        insert.bind(7, head.authentication.rawValue)
        insert.bind(8, Int64(head.flags.rawValue))
        insert.bind(9, head.group)
        insert.bind(10, head.replyTo)
        insert.bind(11, head.time)
        insert.bind(12, now)
        insert.bind(13, event.rule)
        insert.bind(14, event.body)
        insert.bind(15, head.fingerprint)
        insert.bind(16, head.state?.rawValue)
        return try insert.run() == 1 ? insert.lastInsertedRow : nil
    }

    public mutating func insertDelivery(
        session: SessionID, event: EventSequence, state: DeliveryState, offers: Int64, reason: String? = nil, now: Int64
    ) throws {
        let insert =
            try insertion
            ?? statement(
                "INSERT INTO deliveries (session, event, state, offers, changed, reason) VALUES (?, ?, ?, ?, ?, ?)")
        insertion = insert
        insert.bind(1, session)
        insert.bind(2, event)
        insert.bind(3, state.rawValue)
        insert.bind(4, offers)
        insert.bind(5, now)
        insert.bind(6, reason)
        try insert.run()
    }

    /// A new state; `offers` counts the sends so far. What was before goes into the trail, of which the end is kept.
    public mutating func setDelivery(
        session: SessionID, event: EventSequence, state: DeliveryState, offers: Int64, reason: String? = nil, now: Int64
    ) throws {
        let update =
            try transition
            ?? statement(
                """
                UPDATE deliveries SET state = ?1, offers = ?2, changed = ?3, reason = ?4,
                    trail = substr(ifnull(trail, '') || state || ':' || changed || ifnull(':' || reason, '') || ' ', -400),
                    lead = CASE ?1 WHEN 0 THEN NULL ELSE lead END
                WHERE session = ?5 AND event = ?6
                """)
        transition = update
        update.bind(1, state.rawValue)
        update.bind(2, offers)
        update.bind(3, now)
        update.bind(4, reason)
        update.bind(5, session)
        update.bind(6, event)
        try update.run()
    }

    /// Takes a delivery out of a session's queue, to give it to another one.
    public func removeDelivery(session: SessionID, event: EventSequence) throws {
        let delete = try statement("DELETE FROM deliveries WHERE session = ? AND event = ?")
        delete.bind(1, session)
        delete.bind(2, event)
        try delete.run()
    }

    /// The next deliveries that wait for a session, oldest first, after the given one.
    public func waiting(session: SessionID, after event: EventSequence, limit: Int) throws -> [WaitingDelivery] {
        let query = try statement(
            WaitingDelivery.query + "WHERE d.session = ? AND d.event > ? AND d.state = 0 ORDER BY d.event LIMIT ?")
        query.bind(1, session)
        query.bind(2, event)
        query.bind(3, Int64(limit))
        return try query.waitingDeliveries()
    }

    /// Some deliveries of a session, whatever their state.
    public func deliveries(session: SessionID, events: [EventSequence]) throws -> [WaitingDelivery] {
        var deliveries: [WaitingDelivery] = []
        for event in events {
            let query = try statement(WaitingDelivery.query + "WHERE d.session = ? AND d.event = ?")
            query.bind(1, session)
            query.bind(2, event)
            deliveries += try query.waitingDeliveries()
        }
        return deliveries
    }

    public func setCursor(source: SourceID, _ cursor: [UInt8]) throws {
        let update = try statement("UPDATE sources SET cursor = ? WHERE id = ?")
        update.bind(1, cursor)
        update.bind(2, source)
        try update.run()
    }

    public func insertSource(_ id: SourceID, name: SourceName) throws {
        let insert = try statement("INSERT INTO sources (id, name) VALUES (?, ?)")
        insert.bind(1, id)
        insert.bind(2, name.text)
        try insert.run()
    }

    public func setHolder(source: SourceID, _ holder: SourceRecord.Holder?) throws {
        let update = try statement("UPDATE sources SET holder = ?, holder_pid = ?, held_since = ? WHERE id = ?")
        update.bind(1, holder?.instance)
        update.bind(2, holder?.pid)
        update.bind(3, holder?.since)
        update.bind(4, source)
        try update.run()
    }

    /// Inserts a session or changes all of it but its label.
    public func setSession(_ session: SessionRecord, now: Int64) throws {
        let insert = try statement(
            """
            INSERT INTO sessions (id, label, project, incarnation, instance, created) VALUES (?, ?, ?, ?, ?, ?)
            ON CONFLICT (id) DO UPDATE SET
                project = excluded.project, incarnation = excluded.incarnation, instance = excluded.instance
            """)
        insert.bind(1, session.id)
        insert.bind(2, session.label)
        insert.bind(3, session.project)
        insert.bind(4, session.incarnation)
        insert.bind(5, session.instance)
        insert.bind(6, now)
        try insert.run()
    }

    /// The session that a conversation used last.
    public func setLastSession(_ place: Place, session: SessionID) throws {
        let insert = try statement(
            "INSERT OR REPLACE INTO conversations (source, chat, thread, session) VALUES (?, ?, ?, ?)")
        insert.bind(1, place.source)
        insert.bind(2, place.chat)
        insert.bind(3, place.thread ?? "")
        insert.bind(4, session)
        try insert.run()
    }

    /// Lets a session read and answer a conversation: it was delivered to it.
    public func setHeard(session: SessionID, _ place: Place) throws {
        let insert = try statement("INSERT OR IGNORE INTO heard (session, source, chat, thread) VALUES (?, ?, ?, ?)")
        insert.bind(1, session)
        insert.bind(2, place.source)
        insert.bind(3, place.chat)
        insert.bind(4, place.thread ?? "")
        try insert.run()
    }

    public func hasHeard(session: SessionID, _ place: Place) throws -> Bool {
        let query = try statement("SELECT 1 FROM heard WHERE session = ? AND source = ? AND chat = ? AND thread = ?")
        query.bind(1, session)
        query.bind(2, place.source)
        query.bind(3, place.chat)
        query.bind(4, place.thread ?? "")
        var found = false
        try query.each { _ in found = true }
        return found
    }

    public func setFact(_ name: String, _ value: Int64) throws {
        let insert = try statement("INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)")
        insert.bind(1, name)
        insert.bind(2, value)
        try insert.run()
    }

    /// Keeps where and why an event was too malformed to admit; the newest ten thousand are kept.
    public func insertDeadLetter(source: SourceID, reason: String, now: Int64) throws {
        let insert = try statement("INSERT INTO dead_letters (source, reason, at) VALUES (?, ?, ?)")
        insert.bind(1, source)
        insert.bind(2, reason)
        insert.bind(3, now)
        try insert.run()
        let delete = try statement("DELETE FROM dead_letters WHERE id <= ?")
        delete.bind(1, insert.lastInsertedRow - 10_000)
        try delete.run()
    }
}

extension EventHead {
    /// From the columns `id` … `time`, `fingerprint`, `state` of `events`.
    init(row: HotRow, from column: Int32) {
        self.init(
            id: row.text(column) ?? "", chat: row.text(column + 1) ?? "", thread: row.text(column + 2),
            sender: row.text(column + 3) ?? "", kind: EventKind(rawValue: row.text(column + 4) ?? ""),
            authentication: Authentication(rawValue: row.text(column + 5) ?? ""),
            flags: EventFlags(rawValue: UInt8(truncatingIfNeeded: row.integer(column + 6))),
            group: row.text(column + 7), fingerprint: row.text(column + 10),
            state: row.text(column + 11).flatMap(AlertState.init), replyTo: row.text(column + 8),
            time: row.integer(column + 9))
    }
}

extension WaitingDelivery {
    static let query = """
        SELECT d.event, d.offers, e.source, e.id, e.chat, e.thread, e.sender, e.kind, e.authentication, e.flags,
            e.part_of, e.reply_to, e.time, e.fingerprint, e.state, e.body, f.hash, f.size, f.ending
        FROM deliveries d JOIN events e ON e.seq = d.event
            LEFT JOIN files f ON f.hash = (
                SELECT a.hash FROM event_files a WHERE a.event = d.event AND a.image = 1 ORDER BY a.position LIMIT 1)\u{20}
        """
}

extension HotStatement {
    func waitingDeliveries() throws -> [WaitingDelivery] {
        var deliveries: [WaitingDelivery] = []
        try each { row in
            deliveries.append(
                WaitingDelivery(
                    event: row.integer(0), source: row.integer(2), head: EventHead(row: row, from: 3),
                    body: row.blob(15) ?? [], offers: row.integer(1), image: row.storedFile(from: 16)))
        }
        return deliveries
    }
}
