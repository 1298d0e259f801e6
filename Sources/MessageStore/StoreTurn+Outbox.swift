extension StoreTurn {
    /// A key that is known is left alone: what it names was asked for before.
    public func insertPart(_ part: OutboxPart) throws {
        let insert = try statement(
            """
            INSERT OR IGNORE INTO outbox (key, session, source, chat, thread, reply_to, verb, arguments, digest, state, attempts,
                not_before, created, changed, id, reply, ordinal, total, asked)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """)
        insert.bind(1, part.key)
        insert.bind(2, part.session)
        insert.bind(3, part.source)
        insert.bind(4, part.chat)
        insert.bind(5, part.thread)
        insert.bind(6, part.replyTo)
        insert.bind(7, part.verb)
        insert.bind(8, part.arguments)
        insert.bind(9, part.digest)
        insert.bind(10, part.state.rawValue)
        insert.bind(11, part.attempts)
        insert.bind(12, part.notBefore)
        insert.bind(13, part.created)
        insert.bind(14, part.created)
        insert.bind(15, part.id)
        insert.bind(16, part.reply == 0 ? part.id : part.reply)
        insert.bind(17, part.ordinal)
        insert.bind(18, part.total)
        insert.bind(19, part.asked)
        try insert.run()
    }

    /// A part's new state, with all that goes with it.
    public func setPart(_ part: OutboxPart, now: Int64) throws {
        let update = try statement(
            """
            UPDATE outbox SET state = ?, attempts = ?, not_before = ?, ids = ?, reason = ?, changed = ?, created = ?
            WHERE id = ?
            """)
        update.bind(1, part.state.rawValue)
        update.bind(2, part.attempts)
        update.bind(3, part.notBefore)
        update.bind(4, part.ids.isEmpty ? nil : part.ids.joined(separator: "\n"))
        update.bind(5, part.reason)
        update.bind(6, now)
        update.bind(7, part.created)
        update.bind(8, part.id)
        try update.run()
    }

    public func part(key: String) throws -> OutboxPart? {
        let query = try statement(OutboxPart.query + "WHERE key = ?")
        query.bind(1, key)
        return try query.parts().first
    }

    /// The first part of a reply that was asked to say the same, to the same chat and from the same session, since then.
    /// One that was refused as a whole does not count: who says it again means it.
    public func part(like part: OutboxPart, since: Int64) throws -> OutboxPart? {
        let query = try statement(OutboxPart.query + "WHERE digest = ? AND created >= ? ORDER BY id")
        query.bind(1, part.digest)
        query.bind(2, since)
        return try query.parts().first {
            $0.session == part.session && $0.source == part.source && $0.chat == part.chat && $0.thread == part.thread
                && $0.replyTo == part.replyTo && $0.verb == part.verb && $0.asked == part.asked
                && $0.state != .rejected && $0.state != .dropped
        }
    }

    /// All parts of a reply, in order.
    public func parts(reply: Int64) throws -> [OutboxPart] {
        let query = try statement(OutboxPart.query + "WHERE reply = ? ORDER BY ordinal")
        query.bind(1, reply)
        return try query.parts()
    }

    /// Parts that are queued or sending, with what was settled of the same replies; oldest first.
    func openParts() throws -> [OutboxPart] {
        try statement(
            OutboxPart.query
                + "WHERE reply IN (SELECT reply FROM outbox WHERE state < 2) ORDER BY id"
        ).parts()
    }

    /// What an adapter said that it can do, as JSON.
    public func setAbilities(source: SourceID, _ abilities: [UInt8]) throws {
        let update = try statement("UPDATE sources SET abilities = ? WHERE id = ?")
        update.bind(1, abilities)
        update.bind(2, source)
        try update.run()
    }
}

extension OutboxPart {
    static let query = """
        SELECT id, key, session, source, chat, thread, reply_to, verb, arguments, digest, state, attempts, not_before,
            ids, reason, created, reply, ordinal, total, asked FROM outbox\u{20}
        """
}

extension HotStatement {
    func parts() throws -> [OutboxPart] {
        var parts: [OutboxPart] = []
        try each { row in parts.append(OutboxPart(row: row)) }
        return parts
    }
}

extension OutboxPart {
    init(row: HotRow) {
        self.init(
            id: row.integer(0), key: row.text(1) ?? "", session: row.integer(2), source: row.integer(3),
            chat: row.text(4) ?? "", thread: row.text(5), replyTo: row.text(6), verb: row.text(7) ?? "",
            arguments: row.blob(8) ?? [], digest: row.integer(9),
            state: OutboxState(rawValue: row.integer(10)) ?? .unknown, attempts: row.integer(11),
            notBefore: row.integer(12), ids: row.text(13)?.split(separator: "\n").map(String.init) ?? [],
            reason: row.text(14), created: row.integer(15), reply: row.integer(16), ordinal: row.integer(17),
            total: row.integer(18), asked: row.blob(19))
    }
}
