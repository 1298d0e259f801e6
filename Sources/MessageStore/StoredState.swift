public import ChannelEvents

/// All that the router's core keeps in memory, as the store has it: what a start, or a failed commit, begins from.
public struct StoredState: Sendable {
    /// How often a router was started on this store.
    public var starts: Int64 = 0
    public var sources: [SourceRecord] = []
    public var sessions: [SessionRecord] = []
    /// Deliveries that wait, per session; the unassigned ones under ``unassignedSession``.
    public var waiting: [SessionID: Int64] = [:]
    /// Deliveries that were offered and never reported written.
    public var offered: [SessionID: [StoredDelivery]] = [:]
    /// The newest deliveries that were written and that nothing proved seen, at most ``uncoveredLimit`` per session.
    public var written: [SessionID: [StoredDelivery]] = [:]
    /// The newest deliveries that were seen and neither answered nor done with, at most ``uncoveredLimit`` per session.
    public var seen: [SessionID: [StoredDelivery]] = [:]
    public var turns: [SessionID: TurnRecord] = [:]
    public var notices = StoredNotices()
    /// Parts that are queued or sending, and what was settled of the same replies; oldest first.
    public var outbox: [OutboxPart] = []
    /// The number of the newest part ever made.
    public var lastPart: Int64 = 0
    /// The session that each conversation used last.
    public var lastSession: [Place: SessionID] = [:]

    /// What was chosen for conversations.
    public var routes = StoredRoutes()
    /// What was shown of feeds, and what waits for the end of their quiet hours.
    public var feeds = StoredFeeds()
    /// What `switchboard access` changed.
    public var amendments: [AmendmentRecord] = []
    public var pairings: [Pairing] = []
    /// Events of late that were refused, oldest first, with the rule and the time of admission.
    public var refused: [(event: NewEvent, at: Int64)] = []
    /// Threads in which we were addressed.
    public var addressedThreads: Set<Place> = []
    /// How each chat's messages came in.
    public var admissions: [ChatKey: ChatAdmission] = [:]
    public var permissions = StoredPermissions()

    /// Questions with choices that wait for an answer.
    public var questions: [AskedQuestion] = []
    /// Events that waited for their pictures when the router ended, in order.
    public var awaitingFiles: [AwaitingEvent] = []

    /// A store with nothing in it.
    public init() {}

    /// Older ones are taken as seen: nobody wants a thousand old messages again.
    public static let uncoveredLimit = 1024
}

/// An event that waits for its files.
public struct AwaitingEvent: Sendable {
    public var delivery: WaitingDelivery
    /// The session whose message it answers.
    public var speaker: SessionID?
}

/// A delivery that was offered and has not ended: what the core keeps of it in memory.
public struct StoredDelivery: Hashable, Sendable {
    public var event: EventSequence
    public var offers: Int64
    public var place: Place
    /// The platform's id of the event.
    public var id: String
    /// A person wrote it and may wait for an answer.
    public var isPersons: Bool
    /// Other events that this delivery carries as well: what becomes of it becomes of them.
    public var carried: [EventSequence] = []

    public init(event: EventSequence, offers: Int64, place: Place, id: String, isPersons: Bool) {
        self.event = event
        self.offers = offers
        self.place = place
        self.id = id
        self.isPersons = isPersons
    }
}

extension EventHead {
    /// Whether a person wrote this and may wait for an answer: no alert, no program, no reaction.
    public var isPersons: Bool { Self.isPersons(kind: kind, authentication: authentication, flags: flags) }

    static func isPersons(kind: EventKind, authentication: Authentication, flags: EventFlags) -> Bool {
        kind == .message && authentication != .secret && !flags.contains(.bot)
    }
}

extension StoreTurn {
    public func load() throws -> StoredState {
        var state = StoredState()
        state.routes = try loadRoutes()
        state.outbox = try openParts()
        try statement("SELECT value FROM facts WHERE name = 'starts'").each { state.starts = $0.integer(0) }
        try statement("SELECT ifnull(max(id), 0) FROM outbox").each { state.lastPart = $0.integer(0) }
        try statement("SELECT source, chat, thread, session FROM conversations").each { row in
            let thread = row.text(2).flatMap { $0.isEmpty ? nil : $0 }
            state.lastSession[Place(source: row.integer(0), chat: row.text(1) ?? "", thread: thread)] = row.integer(3)
        }
        try statement("SELECT id, name, cursor, holder, holder_pid, held_since, abilities FROM sources").each { row in
            guard let name = row.text(1).flatMap(SourceName.init) else { return }
            let holder = row.text(3).map {
                SourceRecord.Holder(instance: $0, pid: row.integer(4), since: row.integer(5))
            }
            state.sources.append(
                SourceRecord(
                    id: row.integer(0), name: name, cursor: row.blob(2), holder: holder, abilities: row.blob(6)))
        }
        try statement("SELECT id, label, project, incarnation, instance FROM sessions").each { row in
            state.sessions.append(
                SessionRecord(
                    id: row.integer(0), label: row.text(1) ?? "", project: row.text(2) ?? "",
                    incarnation: row.integer(3),
                    instance: row.text(4)))
        }
        try statement("SELECT session, count(*) FROM deliveries WHERE state = 0 GROUP BY session").each { row in
            state.waiting[row.integer(0)] = row.integer(1)
        }
        for session in state.sessions {
            state.offered[session.id] = try deliveries(of: session.id, in: .offered, limit: .max)
            state.written[session.id] = try deliveries(of: session.id, in: .written, limit: StoredState.uncoveredLimit)
            state.seen[session.id] = try deliveries(of: session.id, in: .seen, limit: StoredState.uncoveredLimit)
        }
        state.turns = try loadTurns()
        state.notices = try loadNotices()
        state.feeds = try loadFeeds()
        try loadAccess(into: &state)
        try loadAwaitingFiles(into: &state)
        try loadQuestions(into: &state)
        state.permissions = try loadPermissions()
        return state
    }
}
