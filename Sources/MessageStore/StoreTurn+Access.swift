import ChannelEvents

extension StoreTurn {
    public func setAmendment(_ amendment: AmendmentRecord) throws {
        let insert = try statement(
            "INSERT OR REPLACE INTO access_amendments (source, kind, subject, value) VALUES (?, ?, ?, ?)")
        insert.bind(1, amendment.source)
        insert.bind(2, amendment.kind)
        insert.bind(3, amendment.subject)
        insert.bind(4, amendment.value)
        try insert.run()
    }

    public func setPairing(_ pairing: Pairing) throws {
        let insert = try statement(
            """
            INSERT OR REPLACE INTO pairings (code, source, sender, chat, thread, created, replies)
            VALUES (?, ?, ?, ?, ?, ?, ?)
            """)
        insert.bind(1, pairing.code)
        insert.bind(2, pairing.source)
        insert.bind(3, pairing.sender)
        insert.bind(4, pairing.chat)
        insert.bind(5, pairing.thread)
        insert.bind(6, pairing.created)
        insert.bind(7, pairing.replies)
        try insert.run()
    }

    public func removePairing(code: String) throws {
        let delete = try statement("DELETE FROM pairings WHERE code = ?")
        delete.bind(1, code)
        try delete.run()
    }

    public func setAdmission(_ chat: ChatKey, _ admission: ChatAdmission) throws {
        let insert = try statement("INSERT OR REPLACE INTO admissions (source, chat, way, sender) VALUES (?, ?, ?, ?)")
        insert.bind(1, chat.source)
        insert.bind(2, chat.chat)
        switch admission {
        case .direct(let sender):
            insert.bind(3, "direct")
            insert.bind(4, sender)
        case .group, .secret, .loopback:
            insert.bind(3, admission.word)
            insert.bind(4, nil as String?)
        }
        try insert.run()
    }

    public func setAddressed(_ thread: Place) throws {
        let insert = try statement("INSERT OR IGNORE INTO addressed_threads (source, chat, thread) VALUES (?, ?, ?)")
        insert.bind(1, thread.source)
        insert.bind(2, thread.chat)
        insert.bind(3, thread.thread)
        try insert.run()
    }

    func loadAccess(into state: inout StoredState) throws {
        try statement("SELECT source, kind, subject, value FROM access_amendments").each { row in
            state.amendments.append(
                AmendmentRecord(
                    source: row.text(0) ?? "", kind: row.text(1) ?? "", subject: row.text(2) ?? "",
                    value: row.text(3) ?? ""))
        }
        try statement("SELECT code, source, sender, chat, thread, created, replies FROM pairings").each { row in
            state.pairings.append(
                Pairing(
                    code: row.text(0) ?? "", source: row.integer(1), sender: row.text(2) ?? "",
                    chat: row.text(3) ?? "", thread: row.text(4), created: row.integer(5), replies: row.integer(6)))
        }
        // Without a body, and not because the text was kept long enough: that takes longer than these events are old.
        try statement(
            """
            SELECT source, id, chat, thread, sender, kind, authentication, flags, part_of, reply_to, time, fingerprint,
                state, rule, admitted
            FROM events WHERE seq > (SELECT ifnull(max(seq), 0) FROM events) - 5000 AND body IS NULL ORDER BY seq
            """
        ).each { row in
            let event = NewEvent(
                source: row.integer(0), head: EventHead(row: row, from: 1), body: nil, rule: row.text(13) ?? "")
            state.refused.append((event, row.integer(14)))
        }
        try statement("SELECT source, chat, thread FROM addressed_threads").each { row in
            state.addressedThreads.insert(
                Place(source: row.integer(0), chat: row.text(1) ?? "", thread: row.text(2)))
        }
        try statement("SELECT source, chat, way, sender FROM admissions").each { row in
            let key = ChatKey(source: row.integer(0), chat: row.text(1) ?? "")
            switch row.text(2) {
            case "direct": state.admissions[key] = .direct(sender: row.text(3) ?? "")
            case "secret": state.admissions[key] = .secret
            case "loopback": state.admissions[key] = .loopback
            default: state.admissions[key] = .group
            }
        }
    }
}

extension ChatAdmission {
    fileprivate var word: String {
        switch self {
        case .direct: "direct"
        case .group: "group"
        case .secret: "secret"
        case .loopback: "loopback"
        }
    }
}
