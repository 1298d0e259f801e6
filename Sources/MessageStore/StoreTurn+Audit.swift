extension StoreTurn {
    /// Appends one line to the audit.
    public func append(_ entry: AuditEntry, now: Int64) throws {
        let insert = try statement(
            """
            INSERT INTO audit (at, kind, actor, conversation, event, session, rule, detail, hash)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
            """)
        insert.bind(1, now)
        insert.bind(2, entry.kind)
        insert.bind(3, entry.actor)
        insert.bind(4, entry.conversation)
        insert.bind(5, entry.event)
        insert.bind(6, entry.session)
        insert.bind(7, entry.rule)
        insert.bind(8, entry.detail)
        insert.bind(9, [UInt8]())
        try insert.run()
    }
}
