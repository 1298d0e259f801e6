/// A conversation whose messages wait for a session; ``unassignedSession`` for any.
public struct WaitingPlace: Hashable, Sendable {
    public var place: Place
    public var session: SessionID

    public init(_ place: Place, for session: SessionID) {
        self.place = place
        self.session = session
    }
}

/// What senders were told about their waiting.
public struct StoredNotices: Sendable {
    public var given: Set<WaitingPlace> = []
    /// The platform's id of each status line.
    public var lines: [WaitingPlace: String] = [:]

    /// Nothing was said.
    public init() {}
}

extension StoreTurn {
    func loadNotices() throws -> StoredNotices {
        var notices = StoredNotices()
        try statement("SELECT session, source, chat, thread FROM outage_notices").each { row in
            notices.given.insert(WaitingPlace(row))
        }
        try statement("SELECT session, source, chat, thread, message FROM status_lines").each { row in
            notices.lines[WaitingPlace(row)] = row.text(4)
        }
        return notices
    }

    public func noteOutageNotice(_ waiting: WaitingPlace) throws {
        try run(
            "INSERT OR IGNORE INTO outage_notices (session, source, chat, thread) VALUES (?, ?, ?, ?)", waiting)
    }

    public func endOutage(of session: SessionID) throws {
        let delete = try statement("DELETE FROM outage_notices WHERE session = ?")
        delete.bind(1, session)
        try delete.run()
    }

    public func setStatusLine(_ message: String?, of waiting: WaitingPlace) throws {
        guard let message else {
            return try run(
                "DELETE FROM status_lines WHERE session = ? AND source = ? AND chat = ? AND thread = ?", waiting)
        }
        try run(
            "INSERT OR REPLACE INTO status_lines (session, source, chat, thread, message) VALUES (?, ?, ?, ?, ?)",
            waiting, message)
    }

    private func run(_ sql: String, _ waiting: WaitingPlace, _ message: String? = nil) throws {
        let change = try statement(sql)
        change.bind(1, waiting.session)
        change.bind(2, waiting.place.source)
        change.bind(3, waiting.place.chat)
        change.bind(4, waiting.place.thread ?? "")
        if let message { change.bind(5, message) }
        try change.run()
    }
}

extension WaitingPlace {
    fileprivate init(_ row: HotRow) {
        let thread = row.text(3).flatMap { $0.isEmpty ? nil : $0 }
        self.init(
            Place(source: row.integer(1), chat: row.text(2) ?? "", thread: thread), for: row.integer(0))
    }
}
