extension StoreTurn {
    /// Inserts a prompt or changes all of it. What it asked for is forgotten when it is over.
    public func setPrompt(_ prompt: PromptRecord) throws {
        let insert = try statement(
            """
            INSERT OR REPLACE INTO prompts (id, session, incarnation, request, code, tool, about, preview, input,
                tool_use, outside, asked, state, first, decider, ended, reason, written, renewals, due)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """)
        insert.bind(1, prompt.id)
        insert.bind(2, prompt.session)
        insert.bind(3, prompt.incarnation)
        insert.bind(4, prompt.request)
        insert.bind(5, prompt.code)
        insert.bind(6, prompt.tool)
        insert.bind(7, prompt.isOpen ? prompt.about : "")
        insert.bind(8, prompt.isOpen ? prompt.preview : "")
        insert.bind(9, prompt.isOpen ? prompt.input : nil)
        insert.bind(10, prompt.toolUse)
        insert.bind(11, prompt.outside)
        insert.bind(12, prompt.asked)
        insert.bind(13, prompt.state.rawValue)
        insert.bind(14, prompt.first)
        insert.bind(15, prompt.decider)
        insert.bind(16, prompt.ended)
        insert.bind(17, prompt.reason)
        insert.bind(18, prompt.isWritten ? 1 : 0 as Int64)
        insert.bind(19, prompt.renewals)
        insert.bind(20, prompt.due)
        try insert.run()
        guard prompt.isOpen else { return }
        for table in ["prompts WHERE state <> 0 AND id", "cards WHERE prompt"] {
            let delete = try statement("DELETE FROM \(table) <= ?")
            delete.bind(1, prompt.id - StoredPermissions.keptPrompts)
            try delete.run()
        }
    }

    public func setCard(_ card: CardRecord) throws {
        let insert = try statement(
            """
            INSERT OR REPLACE INTO cards (prompt, number, role, source, chat, thread, address, nonce, messages, said,
                settled, wanted) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """)
        insert.bind(1, card.prompt)
        insert.bind(2, card.number)
        insert.bind(3, card.role.rawValue)
        insert.bind(4, card.place.source)
        insert.bind(5, card.place.chat)
        insert.bind(6, card.place.thread)
        insert.bind(7, card.address)
        insert.bind(8, card.nonce)
        insert.bind(9, card.messages.joined(separator: "\n"))
        insert.bind(10, card.said)
        insert.bind(11, card.settled)
        insert.bind(12, card.wanted)
        try insert.run()
    }

    /// Inserts a grant or changes how far it is used up.
    public func setGrant(_ grant: GrantRecord) throws {
        let insert = try statement(
            """
            INSERT OR REPLACE INTO grants (id, session, tool, pattern, giver, created, expires, count, used, revoked)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """)
        insert.bind(1, grant.id)
        insert.bind(2, grant.session)
        insert.bind(3, grant.tool)
        insert.bind(4, grant.pattern)
        insert.bind(5, grant.giver)
        insert.bind(6, grant.created)
        insert.bind(7, grant.expires)
        insert.bind(8, grant.count)
        insert.bind(9, grant.used)
        insert.bind(10, grant.isRevoked ? 1 : 0 as Int64)
        try insert.run()
    }

    /// Where these events came from and who wrote them; what is not known is left out.
    public func takenIn(_ events: [(source: SourceID, id: String)]) throws -> [TakenIn] {
        var found: [TakenIn] = []
        for event in events {
            let query = try statement("SELECT chat, thread, sender, time FROM events WHERE source = ? AND id = ?")
            query.bind(1, event.source)
            query.bind(2, event.id)
            try query.each { row in
                found.append(
                    TakenIn(
                        source: event.source,
                        place: Place(source: event.source, chat: row.text(0) ?? "", thread: row.text(1)),
                        sender: row.text(2) ?? "", time: row.integer(3)))
            }
        }
        return found
    }

    func loadPermissions() throws -> StoredPermissions {
        var stored = StoredPermissions()
        try statement("SELECT ifnull(max(id), 0) FROM prompts").each { stored.lastPrompt = $0.integer(0) }
        try statement("SELECT ifnull(max(id), 0) FROM grants").each { stored.lastGrant = $0.integer(0) }
        let oldest = stored.lastPrompt - StoredPermissions.rememberedPrompts
        let prompts = try statement(PromptRecord.query + "WHERE state = 0 OR written = 0 OR id > ? ORDER BY id")
        prompts.bind(1, oldest)
        try prompts.each { stored.prompts.append(PromptRecord($0)) }
        let cards = try statement(
            CardRecord.query + "WHERE prompt > ? OR prompt IN "
                + "(SELECT id FROM prompts WHERE state = 0 OR written = 0) ORDER BY prompt, number")
        cards.bind(1, oldest)
        try cards.each { stored.cards.append(CardRecord($0)) }
        try statement(GrantRecord.query + "WHERE revoked = 0 AND used < count ORDER BY id").each {
            stored.grants.append(GrantRecord($0))
        }
        return stored
    }
}

extension PromptRecord {
    fileprivate static let query = """
        SELECT id, session, incarnation, request, code, tool, about, preview, input, tool_use, outside, asked, state,
            first, decider, ended, reason, written, renewals, due FROM prompts\u{20}
        """

    fileprivate init(_ row: HotRow) {
        let ended = row.integer(15)
        self.init(
            id: row.integer(0), session: row.integer(1), incarnation: row.integer(2), request: row.text(3) ?? "",
            code: row.text(4) ?? "", tool: row.text(5) ?? "", about: row.text(6) ?? "", preview: row.text(7) ?? "",
            input: row.blob(8), toolUse: row.text(9), outside: row.text(10) ?? "", asked: row.integer(11),
            state: State(rawValue: row.integer(12)) ?? .ended, first: row.text(13), decider: row.text(14),
            ended: ended == 0 ? nil : ended, reason: row.text(16), isWritten: row.integer(17) != 0,
            renewals: row.integer(18), due: row.integer(19))
    }
}

extension CardRecord {
    fileprivate static let query = """
        SELECT prompt, number, role, source, chat, thread, address, nonce, messages, said, settled, wanted FROM cards\u{20}
        """

    fileprivate init(_ row: HotRow) {
        self.init(
            prompt: row.integer(0), number: row.integer(1), role: Role(rawValue: row.integer(2)) ?? .waits,
            place: Place(source: row.integer(3), chat: row.text(4) ?? "", thread: row.text(5)), address: row.text(6),
            nonce: row.text(7) ?? "", messages: row.text(8)?.split(separator: "\n").map(String.init) ?? [],
            said: row.integer(9), settled: row.integer(10), wanted: row.integer(11))
    }
}

extension GrantRecord {
    fileprivate static let query = """
        SELECT id, session, tool, pattern, giver, created, expires, count, used, revoked FROM grants\u{20}
        """

    fileprivate init(_ row: HotRow) {
        self.init(
            id: row.integer(0), session: row.integer(1), tool: row.text(2) ?? "", pattern: row.text(3) ?? "",
            giver: row.text(4) ?? "", created: row.integer(5), expires: row.integer(6), count: row.integer(7),
            used: row.integer(8), isRevoked: row.integer(9) != 0)
    }
}
