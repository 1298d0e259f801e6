public import ChannelEvents
import GRDB
public import JSON

/// Questions that may take their time: asked on a reader's thread, never in the loop.
public struct StoreReader {
    let db: Database

    init(_ db: Database) {
        self.db = db
    }

    /// The newest events first, with what became of them. Text is in it where it was stored.
    ///
    /// - Parameter before: an event's sequence, to page backwards.
    public func history(place: Place?, before: EventSequence?, limit: Int) throws -> [HistoryEntry] {
        let query = try HotStatement(
            db,
            """
            SELECT e.seq, s.name, e.id, e.chat, e.thread, e.sender, e.kind, e.authentication, e.flags, e.part_of,
                e.reply_to, e.time, e.fingerprint, e.state, e.rule, e.body
            FROM events e JOIN sources s ON s.id = e.source
            WHERE e.seq < ?1 AND (?2 IS NULL OR (e.source = ?2 AND e.chat = ?3 AND ifnull(e.thread, '') = ?4))
            ORDER BY e.seq DESC LIMIT ?5
            """)
        query.bind(1, before ?? .max)
        query.bind(2, place?.source)
        query.bind(3, place?.chat)
        query.bind(4, place?.thread ?? "")
        query.bind(5, Int64(limit))
        var entries = try self.entries(query)
        for index in entries.indices { entries[index].deliveries = try deliveries(of: entries[index].sequence) }
        return entries
    }

    /// Rows as entries, as far as one answer may carry them: text is bounded, and what is left out is older.
    private func entries(_ query: HotStatement) throws -> [HistoryEntry] {
        var entries: [HistoryEntry] = []
        var bytes = 0
        try query.visit { row in
            guard let source = row.text(1).flatMap(SourceName.init) else { return true }
            let entry = HistoryEntry(
                sequence: row.integer(0), source: source, head: EventHead(row: row, from: 2), rule: row.text(14) ?? "",
                body: row.blob(15))
            bytes += entry.body?.count ?? 0
            entries.append(entry)
            return bytes < Self.answerBytes
        }
        return entries
    }

    /// Text in one answer; past it no further message is added. With the last one it stays below what a message of the
    /// bus may carry.
    public static let answerBytes = 1 << 20

    func deliveries(of event: EventSequence) throws -> [HistoryEntry.Delivery] {
        // The sessions are few and each is one probe of the primary key.
        let query = try HotStatement(
            db,
            """
            SELECT ifnull(s.label, ''), d.state, d.offers, d.changed, d.reason, d.trail FROM
                (SELECT id, label FROM sessions UNION ALL SELECT \(unassignedSession), ''
                    UNION ALL SELECT \(heldSession), '') s
                CROSS JOIN deliveries d ON d.session = s.id AND d.event = ?
            """)
        query.bind(1, event)
        var deliveries: [HistoryEntry.Delivery] = []
        try query.each { row in
            deliveries.append(
                HistoryEntry.Delivery(
                    session: row.text(0) ?? "", state: DeliveryState(rawValue: row.integer(1)) ?? .dead,
                    offers: row.integer(2), changed: row.integer(3), reason: row.text(4), trail: row.text(5) ?? ""))
        }
        return deliveries
    }

    /// What was delivered to a session from one conversation, newest first.
    public func delivered(to session: SessionID, place: Place, before: EventSequence?, limit: Int) throws
        -> [HistoryEntry]
    {
        let query = try HotStatement(
            db,
            """
            SELECT e.seq, s.name, e.id, e.chat, e.thread, e.sender, e.kind, e.authentication, e.flags, e.part_of,
                e.reply_to, e.time, e.fingerprint, e.state, e.rule, e.body
            FROM deliveries d JOIN events e ON e.seq = d.event JOIN sources s ON s.id = e.source
            WHERE d.session = ? AND d.event < ? AND d.state BETWEEN 1 AND 6
                AND e.source = ? AND e.chat = ? AND ifnull(e.thread, '') = ?
            ORDER BY d.event DESC LIMIT ?
            """)
        query.bind(1, session)
        query.bind(2, before ?? .max)
        query.bind(3, place.source)
        query.bind(4, place.chat)
        query.bind(5, place.thread ?? "")
        query.bind(6, Int64(limit))
        return try entries(query)
    }

    /// The conversations that were delivered to a session.
    public func conversations(of session: SessionID, limit: Int) throws -> [Conversation] {
        let query = try HotStatement(
            db,
            """
            SELECT s.name, h.chat, h.thread FROM heard h JOIN sources s ON s.id = h.source
            WHERE h.session = ? ORDER BY s.name, h.chat, h.thread LIMIT ?
            """)
        query.bind(1, session)
        query.bind(2, Int64(limit))
        var conversations: [Conversation] = []
        try query.each { row in
            guard let source = row.text(0).flatMap(SourceName.init), let chat = row.text(1) else { return }
            let thread = row.text(2).flatMap { $0.isEmpty ? nil : $0 }
            conversations.append(Conversation(source: source, chat: chat, thread: thread))
        }
        return conversations
    }

    /// What was sent to a conversation, newest first.
    public func replies(place: Place, limit: Int) throws -> [OutboxPart] {
        try replies(place: place, times: 0..<Int64.max, limit: limit).map(\.part)
    }

    /// What was sent, to one conversation or to all, newest first.
    ///
    /// - Parameter times: when it was asked for.
    public func replies(place: Place?, times: Range<Int64>, limit: Int) throws -> [(
        part: OutboxPart, conversation: Conversation
    )] {
        let query = try HotStatement(
            db,
            OutboxPart.query + """
                WHERE (?1 IS NULL OR (source = ?1 AND chat = ?2 AND ifnull(thread, '') = ?3)) AND created >= ?4 AND created < ?5
                ORDER BY id DESC LIMIT ?6
                """)
        query.bind(1, place?.source)
        query.bind(2, place?.chat)
        query.bind(3, place?.thread ?? "")
        query.bind(4, times.lowerBound)
        query.bind(5, times.upperBound)
        query.bind(6, Int64(limit))
        var names: [SourceID: SourceName] = [:]
        let parts = try query.parts()
        try HotStatement(db, "SELECT id, name FROM sources").each { row in
            names[row.integer(0)] = row.text(1).flatMap(SourceName.init)
        }
        return parts.compactMap { part in
            names[part.source].map { (part, Conversation(source: $0, chat: part.chat, thread: part.thread)) }
        }
    }

    /// The number of an event, by the id that people see; `nil` when there is none.
    public func sequence(of event: EventKey) throws -> EventSequence? {
        let query = try HotStatement(
            db, "SELECT e.seq FROM sources s JOIN events e ON e.source = s.id WHERE s.name = ? AND e.id = ?")
        query.bind(1, event.source.text)
        query.bind(2, event.id)
        var sequence: EventSequence?
        try query.each { sequence = $0.integer(0) }
        return sequence
    }

    /// Events in the store; counted by the first and last sequence, exact until retention deletes.
    /// How many deliveries wait for a session, or with nobody.
    public func waitingCount(of session: SessionID) throws -> Int64 {
        let query = try HotStatement(db, "SELECT count(*) FROM deliveries WHERE session = ? AND state = 0")
        query.bind(1, session)
        var count: Int64 = 0
        try query.each { count = $0.integer(0) }
        return count
    }

    public func eventCount() throws -> Int64 {
        var count: Int64 = 0
        try HotStatement(db, "SELECT ifnull(max(seq) - min(seq) + 1, 0) FROM events").each { count = $0.integer(0) }
        return count
    }

    /// The size of the database, without its log, in bytes.
    public func size() throws -> Int64 {
        var size: Int64 = 0
        try HotStatement(db, "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size").each {
            size = $0.integer(0)
        }
        return size
    }
}

/// An event as the history shows it.
public struct HistoryEntry: Sendable {
    public var sequence: EventSequence
    public var source: SourceName
    public var head: EventHead
    /// The access rule that decided.
    public var rule: String
    /// `nil` when the sender was refused or the text was kept long enough.
    public var body: [UInt8]?
    public var deliveries: [Delivery] = []

    public init(sequence: EventSequence, source: SourceName, head: EventHead, rule: String, body: [UInt8]?) {
        self.sequence = sequence
        self.source = source
        self.head = head
        self.rule = rule
        self.body = body
    }

    public struct Delivery: Sendable {
        public var session: String
        public var state: DeliveryState
        public var offers: Int64
        public var changed: Int64
        /// A bounded code: why it is in this state.
        public var reason: String?
        /// The states before this one, as the store keeps them.
        var trail: String
    }

    public var conversation: Conversation { Conversation(source: source, chat: head.chat, thread: head.thread) }
    public var key: EventKey { EventKey(source: source, id: head.id) }

    /// The form that `history` and `fetch_messages` show.
    public var json: JSONObject {
        var object: JSONObject = [
            "event_id": .string(key.description), "conversation": .string(conversation.description),
            "sender": .string(head.sender), "kind": .string(head.kind.rawValue), "time_ms": .integer(head.time),
            "decision": .string(rule), "sequence": .integer(sequence),
        ]
        if let body {
            do {
                let carried = try EventBody(json: body)
                object["text"] = .string(carried.text)
                if let user = carried.user { object["user"] = .string(user) }
            } catch {
                object["text_problem"] = .string("\(error)")
            }
        }
        if !deliveries.isEmpty {
            object["deliveries"] = .array(
                deliveries.map { delivery in
                    var shown = HistoryEntry.Change(delivery).json
                    shown["session"] = .string(delivery.session)
                    shown["offers"] = .integer(delivery.offers)
                    shown["changes"] = .array(delivery.changes.map { .object($0.json) })
                    return .object(shown)
                })
        }
        return object
    }
}
