public import ChannelEvents

/// A message that waits for a session and was edited or deleted on its platform meanwhile.
public struct WaitingOriginal: Hashable, Sendable {
    public var session: SessionID
    public var event: EventSequence
    public var offers: Int64
    /// The platform's id.
    public var id: String
    public var sender: String
}

extension StoreTurn {
    /// The message that an edit or a deletion is about, if it still waits: the one that it names, or the one whose id
    /// its own begins with.
    public func original(of revision: EventHead, source: SourceID) throws -> WaitingOriginal? {
        var ids = revision.replyTo.map { [$0] } ?? []
        var rest = revision.id[...]
        while let slash = rest.lastIndex(of: "/"), ids.count < 8 {
            rest = rest[..<slash]
            if !rest.isEmpty { ids.append(String(rest)) }
        }
        for id in ids {
            if let original = try waiting(id: id, chat: revision.chat, source: source) { return original }
        }
        return nil
    }

    private func waiting(id: String, chat: String, source: SourceID) throws -> WaitingOriginal? {
        let query = try statement(
            """
            SELECT d.session, e.seq, d.offers, e.sender FROM events e
                CROSS JOIN (SELECT id FROM sessions UNION ALL SELECT 0 UNION ALL SELECT -1) s
                CROSS JOIN deliveries d ON d.session = s.id AND d.event = e.seq
            WHERE e.source = ? AND e.id = ? AND e.chat = ? AND e.kind = 'message' AND d.state = 0
            """)
        query.bind(1, source)
        query.bind(2, id)
        query.bind(3, chat)
        var original: WaitingOriginal?
        try query.each { row in
            original = WaitingOriginal(
                session: row.integer(0), event: row.integer(1), offers: row.integer(2), id: id,
                sender: row.text(3) ?? "")
        }
        return original
    }

    public func replaceBody(of event: EventSequence, _ body: [UInt8]) throws {
        let update = try statement("UPDATE events SET body = ? WHERE seq = ?")
        update.bind(1, body)
        update.bind(2, event)
        try update.run()
    }
}
