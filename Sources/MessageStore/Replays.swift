/// Which events a person wants delivered again.
public enum ReplayRequest: Hashable, Sendable {
    case event(SourceID, id: String)
    /// The newest of a conversation that were let in since then; wall clock, milliseconds.
    case conversation(Place, since: Int64, limit: Int)
}

/// An event that could be delivered again, and to whom it was.
public struct StoredReplay: Sendable {
    /// Its body is empty where the text is not kept: the sender was refused, or it is too long ago.
    public var delivery: WaitingDelivery
    public var deliveries: [SessionID: (state: DeliveryState, offers: Int64)] = [:]

    public var isKept: Bool { !delivery.body.isEmpty }
}

extension StoreTurn {
    /// The events that a request names, oldest first.
    public func replays(_ request: ReplayRequest) throws -> [StoredReplay] {
        let columns = """
            SELECT e.seq, 0, e.source, e.id, e.chat, e.thread, e.sender, e.kind, e.authentication, e.flags,
                e.part_of, e.reply_to, e.time, e.fingerprint, e.state, e.body FROM events e\u{20}
            """
        let query: HotStatement
        switch request {
        case .event(let source, let id):
            query = try statement(columns + "WHERE e.source = ? AND e.id = ?")
            query.bind(1, source)
            query.bind(2, id)
        case .conversation(let place, let since, let limit):
            query = try statement(
                columns + """
                    WHERE e.source = ? AND e.chat = ? AND ifnull(e.thread, '') = ? AND e.admitted >= ? AND e.body IS NOT NULL
                    ORDER BY e.seq DESC LIMIT ?
                    """)
            query.bind(1, place.source)
            query.bind(2, place.chat)
            query.bind(3, place.thread ?? "")
            query.bind(4, since)
            query.bind(5, Int64(limit))
        }
        return try query.waitingDeliveries().sorted { $0.event < $1.event }.map { delivery in
            var replay = StoredReplay(delivery: delivery)
            // The sessions are few and each is one probe of the primary key.
            let query = try statement(
                """
                SELECT d.session, d.state, d.offers FROM (SELECT id FROM sessions UNION ALL SELECT 0 UNION ALL SELECT -1 UNION ALL SELECT -2) s
                    CROSS JOIN deliveries d ON d.session = s.id AND d.event = ?
                """)
            query.bind(1, delivery.event)
            try query.each { row in
                let state = DeliveryState(rawValue: row.integer(1)) ?? .dead
                replay.deliveries[row.integer(0)] = (state, row.integer(2))
            }
            return replay
        }
    }
}
