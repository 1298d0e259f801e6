/// What the store knows about the choice of sessions: all of it is small, except the messages that sessions sent.
public struct StoredRoutes: Sendable {
    public var bindings: [Place: SessionID] = [:]
    public var asked: Set<Place> = []
    /// Chats in which every session that attaches gets a topic.
    public var topicChats: Set<ChatKey> = []
    /// The open ones.
    public var topics: [TopicRecord] = []
    /// The sessions that answered in a conversation.
    public var speakers: [Place: Set<SessionID>] = [:]

    /// Nothing was ever chosen.
    public init() {}
}

extension StoreTurn {
    func loadRoutes() throws -> StoredRoutes {
        var routes = StoredRoutes()
        try statement("SELECT source, chat, thread, session FROM bindings").each { row in
            routes.bindings[Place(row.integer(0), row.text(1), row.text(2))] = row.integer(3)
        }
        try statement("SELECT source, chat, thread FROM asked").each { row in
            routes.asked.insert(Place(row.integer(0), row.text(1), row.text(2)))
        }
        try statement("SELECT source, chat, thread, session FROM speakers").each { row in
            routes.speakers[Place(row.integer(0), row.text(1), row.text(2)), default: []].insert(row.integer(3))
        }
        try loadTopics(into: &routes)
        return routes
    }

    /// - Parameter session: `nil` takes the binding back.
    public func bind(_ place: Place, to session: SessionID?) throws {
        guard let session else {
            return try run("DELETE FROM bindings WHERE source = ? AND chat = ? AND thread = ?", place)
        }
        try run("INSERT OR REPLACE INTO bindings (source, chat, thread, session) VALUES (?, ?, ?, ?)", place, session)
    }

    public func setAsked(_ place: Place, _ isAsked: Bool) throws {
        if isAsked {
            try run("INSERT OR IGNORE INTO asked (source, chat, thread) VALUES (?, ?, ?)", place)
        } else {
            try run("DELETE FROM asked WHERE source = ? AND chat = ? AND thread = ?", place)
        }
    }

    public func addSpeaker(_ session: SessionID, in place: Place) throws {
        try run("INSERT OR IGNORE INTO speakers (source, chat, thread, session) VALUES (?, ?, ?, ?)", place, session)
    }

    public func setSpoken(_ messages: [String], by session: SessionID, in place: Place, now: Int64) throws {
        for message in messages {
            let insert = try statement(
                "INSERT OR REPLACE INTO spoken (source, chat, message, session, at) VALUES (?, ?, ?, ?, ?)")
            insert.bind(1, place.source)
            insert.bind(2, place.chat)
            insert.bind(3, message)
            insert.bind(4, session)
            insert.bind(5, now)
            try insert.run()
        }
    }

    /// The session that sent this message of a platform, if one did.
    public func speaker(of message: String, source: SourceID, chat: String) throws -> SessionID? {
        let query = try statement("SELECT session FROM spoken WHERE source = ? AND chat = ? AND message = ?")
        query.bind(1, source)
        query.bind(2, chat)
        query.bind(3, message)
        var session: SessionID?
        try query.each { session = $0.integer(0) }
        return session
    }

    /// Moves what waits in a conversation from one session to another; the order is the events' own.
    /// - Parameter senders: whose messages, as a JSON array; all others' when `isExclusion`.
    public func handOver(
        _ place: Place, from old: SessionID, to new: SessionID, senders: String = "[]", isExclusion: Bool = true
    ) throws {
        let update = try statement(
            """
            UPDATE OR IGNORE deliveries SET session = ? WHERE session = ? AND state = 0 AND event IN (
                SELECT d.event FROM deliveries d JOIN events e ON e.seq = d.event
                WHERE d.session = ? AND d.state = 0 AND e.source = ? AND e.chat = ? AND ifnull(e.thread, '') = ?
                AND (e.sender IN (SELECT value FROM json_each(?))) = ?)
            """)
        update.bind(1, new)
        update.bind(2, old)
        update.bind(3, old)
        update.bind(4, place.source)
        update.bind(5, place.chat)
        update.bind(6, place.thread ?? "")
        update.bind(7, senders)
        update.bind(8, isExclusion ? 0 : 1)
        try update.run()
    }

    private func run(_ sql: String, _ place: Place, _ session: SessionID? = nil) throws {
        let change = try statement(sql)
        change.bind(1, place.source)
        change.bind(2, place.chat)
        change.bind(3, place.thread ?? "")
        if let session { change.bind(4, session) }
        try change.run()
    }
}

extension Place {
    /// As it stands in a table, where no thread is an empty one.
    fileprivate init(_ source: SourceID, _ chat: String?, _ thread: String?) {
        self.init(source: source, chat: chat ?? "", thread: thread.flatMap { $0.isEmpty ? nil : $0 })
    }
}
