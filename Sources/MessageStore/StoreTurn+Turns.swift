import ChannelEvents

/// What must survive of a session's turns, so that a router that starts anew neither writes into one that runs nor takes
/// for seen what was not.
public struct TurnRecord: Hashable, Sendable {
    /// The endpoint process that this is about.
    public var instance: String?
    /// One of its hooks was heard.
    public var hasHooks: Bool
    /// A hook of an earlier process of this session was heard.
    public var expectsHooks: Bool
    public var isWorking: Bool
    /// When the newest end of a turn was, by the session's own clock.
    public var ended: Int64
    /// Why the session is taken to be deaf; `nil` when it is not.
    public var deaf: String?
    /// The conversation in which somebody asked that the turn be stopped, as text; `nil` when nobody did.
    public var stopAskedIn: String?

    public init(
        instance: String? = nil, hasHooks: Bool = false, expectsHooks: Bool = false, isWorking: Bool = false,
        ended: Int64 = 0, deaf: String? = nil, stopAskedIn: String? = nil
    ) {
        self.instance = instance
        self.hasHooks = hasHooks
        self.expectsHooks = expectsHooks
        self.isWorking = isWorking
        self.ended = ended
        self.deaf = deaf
        self.stopAskedIn = stopAskedIn
    }
}

extension StoreTurn {
    public func setTurn(_ turn: TurnRecord, of session: SessionID) throws {
        let insert = try statement(
            """
            INSERT OR REPLACE INTO turns
                (session, instance, has_hooks, expects_hooks, is_working, ended, deaf, stop_asked_in)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            """)
        insert.bind(1, session)
        insert.bind(2, turn.instance)
        insert.bind(3, turn.hasHooks ? 1 : Int64(0))
        insert.bind(4, turn.expectsHooks ? 1 : Int64(0))
        insert.bind(5, turn.isWorking ? 1 : Int64(0))
        insert.bind(6, turn.ended)
        insert.bind(7, turn.deaf)
        insert.bind(8, turn.stopAskedIn)
        try insert.run()
    }

    /// One delivery carries another: they are seen together.
    public func setLead(_ lead: EventSequence?, of event: EventSequence, session: SessionID) throws {
        let update = try statement("UPDATE deliveries SET lead = ? WHERE session = ? AND event = ?")
        update.bind(1, lead)
        update.bind(2, session)
        update.bind(3, event)
        try update.run()
    }

    func loadTurns() throws -> [SessionID: TurnRecord] {
        var turns: [SessionID: TurnRecord] = [:]
        let query = try statement(
            "SELECT session, instance, has_hooks, expects_hooks, is_working, ended, deaf, stop_asked_in FROM turns")
        try query.each { row in
            turns[row.integer(0)] = TurnRecord(
                instance: row.text(1), hasHooks: row.integer(2) != 0, expectsHooks: row.integer(3) != 0,
                isWorking: row.integer(4) != 0, ended: row.integer(5), deaf: row.text(6), stopAskedIn: row.text(7))
        }
        return turns
    }

    /// The newest deliveries of a session in one state, oldest of them first; those that others carry stand in these.
    func deliveries(of session: SessionID, in wanted: DeliveryState, limit: Int) throws -> [StoredDelivery] {
        let query = try statement(
            """
            SELECT d.event, d.offers, e.source, e.chat, e.thread, e.id, e.kind, e.authentication, e.flags, d.lead
            FROM deliveries d JOIN events e ON e.seq = d.event
            WHERE d.session = ? AND d.state = ? ORDER BY d.event DESC LIMIT ?
            """)
        query.bind(1, session)
        query.bind(2, wanted.rawValue)
        query.bind(3, Int64(limit))
        var deliveries: [StoredDelivery] = []
        var carried: [EventSequence: [EventSequence]] = [:]
        try query.each { row in
            if !row.isNull(9) {
                carried[row.integer(9), default: []].append(row.integer(0))
                return
            }
            let place = Place(source: row.integer(2), chat: row.text(3) ?? "", thread: row.text(4))
            deliveries.append(
                StoredDelivery(
                    event: row.integer(0), offers: row.integer(1), place: place, id: row.text(5) ?? "",
                    isPersons: EventHead.isPersons(
                        kind: EventKind(rawValue: row.text(6) ?? ""),
                        authentication: Authentication(rawValue: row.text(7) ?? ""),
                        flags: EventFlags(rawValue: UInt8(truncatingIfNeeded: row.integer(8))))))
        }
        for index in deliveries.indices {
            if let events = carried.removeValue(forKey: deliveries[index].event) {
                deliveries[index].carried = events.reversed()
            }
        }
        return deliveries.reversed()
    }
}
