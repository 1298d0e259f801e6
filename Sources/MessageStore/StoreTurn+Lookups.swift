/// What waits of one conversation, for one session.
public struct WaitingShare: Hashable, Sendable {
    public var session: SessionID
    public var count: Int64
    /// When the oldest of it happened on its platform, in milliseconds since 1970.
    public var oldest: Int64

    public init(session: SessionID, count: Int64, oldest: Int64) {
        self.session = session
        self.count = count
        self.oldest = oldest
    }
}

/// What a platform's message became, as far as the store still knows it.
public enum KnownMessage: Sendable {
    /// It came in: its event, and where it went.
    case event(id: String, rule: String, deliveries: [HistoryEntry.Delivery])
    /// A session sent it.
    case spoken(by: SessionID)
}

extension StoreTurn {
    /// How many deliveries wait for a session.
    public func waitingCount(of session: SessionID) throws -> Int64 { try StoreReader(db).waitingCount(of: session) }

    /// What waits of a conversation, for nobody and for the given sessions.
    public func waiting(in place: Place, for sessions: [SessionID]) throws -> [WaitingShare] {
        var shares: [WaitingShare] = []
        for session in sessions {
            let query = try statement(
                """
                SELECT count(*), min(e.time) FROM deliveries d JOIN events e ON e.seq = d.event
                WHERE d.session = ? AND d.state = 0 AND e.source = ? AND e.chat = ? AND ifnull(e.thread, '') = ?
                """)
            query.bind(1, session)
            query.bind(2, place.source)
            query.bind(3, place.chat)
            query.bind(4, place.thread ?? "")
            try query.each { row in
                guard row.integer(0) > 0 else { return }
                shares.append(WaitingShare(session: session, count: row.integer(0), oldest: row.integer(1)))
            }
        }
        return shares
    }

    /// Events that are looked through for a message's id.
    private static let searched: Int64 = 50_000

    /// What became of the message with this platform id. An event's id is the message's own, or ends in it after the
    /// chat's: `42/1001`.
    public func message(_ id: String, in place: Place) throws -> KnownMessage? {
        if let session = try speaker(of: id, source: place.source, chat: place.chat) { return .spoken(by: session) }
        let query = try statement(
            """
            SELECT seq, id, rule FROM events
            WHERE source = ?1 AND id IN (?3, ?2 || '/' || ?3)
                OR seq > (SELECT ifnull(max(seq), 0) FROM events) - ?4 AND source = ?1 AND chat = ?2
                    AND substr(id, -length(?3) - 1) = '/' || ?3
            ORDER BY id = ?3 DESC, seq LIMIT 1
            """)
        query.bind(1, place.source)
        query.bind(2, place.chat)
        query.bind(3, id)
        query.bind(4, Self.searched)
        var found: (sequence: EventSequence, id: String, rule: String)?
        try query.each { found = ($0.integer(0), $0.text(1) ?? "", $0.text(2) ?? "") }
        guard let found else { return nil }
        return .event(id: found.id, rule: found.rule, deliveries: try StoreReader(db).deliveries(of: found.sequence))
    }
}
