import ChannelEvents

/// One event of a feed that was shown to people.
public struct StoredReport: Hashable, Sendable {
    public var event: EventSequence
    /// The event's own id.
    public var id: String
    public var place: Place
    public var fingerprint: String?
    /// Its first line, to be quoted.
    public var summary: String
    public var shownIn: Place
    /// The platform's ids of the message; none until it was sent.
    public var messages: [String] = []

    public init(
        event: EventSequence, id: String, place: Place, fingerprint: String?, summary: String, shownIn: Place
    ) {
        self.event = event
        self.id = id
        self.place = place
        self.fingerprint = fingerprint
        self.summary = summary
        self.shownIn = shownIn
    }
}

/// What the store knows of feeds.
public struct StoredFeeds: Sendable {
    /// The newest, oldest first.
    public var reports: [StoredReport] = []
    /// The newest event that waits for the end of quiet hours, of each conversation.
    public var parked: [WaitingDelivery] = []

    public init() {}
}

extension StoreTurn {
    /// Reports that are kept.
    private static let reportLimit: Int64 = 512

    func loadFeeds() throws -> StoredFeeds {
        var feeds = StoredFeeds()
        let query = try statement(
            """
            SELECT event, id, source, chat, thread, fingerprint, summary, shown_source, shown_chat, shown_thread, messages
            FROM reports ORDER BY event DESC LIMIT ?
            """)
        query.bind(1, Self.reportLimit)
        try query.each { row in
            var report = StoredReport(
                event: row.integer(0), id: row.text(1) ?? "", place: Self.place(row, from: 2),
                fingerprint: row.text(5), summary: row.text(6) ?? "",
                shownIn: Self.place(row, from: 7))
            report.messages = (row.text(10) ?? "").split(separator: "\n").map(String.init)
            feeds.reports.insert(report, at: 0)
        }
        let parked = try statement(
            WaitingDelivery.query + """
                WHERE d.session = ? AND d.state = 0 AND d.event IN (
                    SELECT max(d.event) FROM deliveries d JOIN events e ON e.seq = d.event WHERE d.session = ?
                    GROUP BY e.source, e.chat, e.thread)
                """)
        parked.bind(1, quietSession)
        parked.bind(2, quietSession)
        feeds.parked = try parked.waitingDeliveries()
        return feeds
    }

    private static func place(_ row: HotRow, from column: Int32) -> Place {
        let thread = row.text(column + 2).flatMap { $0.isEmpty ? nil : $0 }
        return Place(source: row.integer(column), chat: row.text(column + 1) ?? "", thread: thread)
    }

    public func setReport(_ report: StoredReport) throws {
        let insert = try statement(
            """
            INSERT OR REPLACE INTO reports
                (event, id, source, chat, thread, fingerprint, summary, shown_source, shown_chat, shown_thread, messages)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """)
        insert.bind(1, report.event)
        insert.bind(2, report.id)
        insert.bind(3, report.place.source)
        insert.bind(4, report.place.chat)
        insert.bind(5, report.place.thread ?? "")
        insert.bind(6, report.fingerprint)
        insert.bind(7, report.summary)
        insert.bind(8, report.shownIn.source)
        insert.bind(9, report.shownIn.chat)
        insert.bind(10, report.shownIn.thread ?? "")
        insert.bind(11, report.messages.isEmpty ? nil : report.messages.joined(separator: "\n"))
        try insert.run()
        // Now and then is enough.
        guard report.event % 64 == 0 else { return }
        let delete = try statement(
            "DELETE FROM reports WHERE event <= (SELECT event FROM reports ORDER BY event DESC LIMIT 1 OFFSET ?)")
        delete.bind(1, Self.reportLimit)
        try delete.run()
    }
}
