public import ChannelEvents
import GRDB
public import JSON

/// Names one dead letter, as people write it: `o12` a reply, `d3.45` a delivery, `e7` an event that could not be read.
public enum LetterID: Hashable, Sendable, CustomStringConvertible {
    case reply(Int64)
    case delivery(SessionID, EventSequence)
    case event(Int64)

    public init?(_ text: String) {
        let numbers = text.dropFirst().split(separator: ".", omittingEmptySubsequences: false).compactMap { Int64($0) }
        switch (text.first, numbers.count) {
        case ("o", 1): self = .reply(numbers[0])
        case ("d", 2): self = .delivery(numbers[0], numbers[1])
        case ("e", 1): self = .event(numbers[0])
        default: return nil
        }
    }

    public var description: String {
        switch self {
        case .reply(let id): return "o\(id)"
        case .delivery(let session, let event): return "d\(session).\(event)"
        case .event(let id): return "e\(id)"
        }
    }
}

/// What was given up, with its reason.
public struct DeadLetter: Sendable {
    public var id: LetterID
    /// `nil` for an event that could not be read.
    public var conversation: Conversation?
    public var source: SourceName
    /// The session's label; empty when there is none.
    public var session: String
    /// `rejected`, `unknown`, `dead` or `malformed`.
    public var state: String
    public var reason: String
    /// Wall clock, milliseconds: when it was given up.
    public var at: Int64
    /// Of a reply: the parts that were not sent, and how many there are.
    public var parts: [Int64] = []
    public var total: Int64 = 1
    /// `nil` where none is kept.
    public var text: String?

    /// The form that `deadletters` shows.
    public var json: JSONValue {
        var members: JSONObject = [
            "id": .string(id.description), "state": .string(state), "reason": .string(reason), "at_ms": .integer(at),
            "source": .string(source.text),
        ]
        switch id {
        case .reply: members["kind"] = "reply"
        case .delivery: members["kind"] = "delivery"
        case .event: members["kind"] = "event"
        }
        if let conversation { members["conversation"] = .string(conversation.description) }
        if !session.isEmpty { members["session"] = .string(session) }
        if total > 1 {
            members["parts"] = .array(parts.map(JSONValue.integer))
            members["of"] = .integer(total)
        }
        if let text { members["text"] = .string(text) }
        return .object(members)
    }
}

extension StoreReader {
    /// What was given up, newest first, of each kind at most so many.
    public func deadLetters(limit: Int) throws -> [DeadLetter] {
        let letters = try deadReplies(limit) + deadDeliveries(limit) + deadEvents(limit)
        return Array(letters.sorted { ($0.at, "\($0.id)") > ($1.at, "\($1.id)") }.prefix(limit))
    }

    /// How much was given up.
    public func deadLetterCount() throws -> Int64 {
        var count: Int64 = 0
        try HotStatement(
            db,
            """
            SELECT (SELECT count(DISTINCT reply) FROM outbox WHERE state IN (3, 4) AND \(OutboxPart.isLetter))
                + (SELECT count(*) FROM deliveries WHERE state = 9) + (SELECT count(*) FROM dead_letters)
            """
        ).each { count = $0.integer(0) }
        return count
    }

    private func deadReplies(_ limit: Int) throws -> [DeadLetter] {
        let query = try HotStatement(
            db,
            """
            SELECT p.reply, s.name, p.chat, p.thread, ifnull(n.label, ''), min(p.state), max(p.changed),
                group_concat(p.ordinal), p.total, f.asked, f.arguments,
                (SELECT q.reason FROM outbox q WHERE q.reply = p.reply AND q.state IN (3, 4) ORDER BY q.ordinal LIMIT 1)
            FROM (SELECT * FROM outbox WHERE state IN (3, 4) AND \(OutboxPart.isLetter) ORDER BY id DESC LIMIT ?) p
            JOIN sources s ON s.id = p.source LEFT JOIN sessions n ON n.id = p.session LEFT JOIN outbox f ON f.id = p.reply
            GROUP BY p.reply ORDER BY p.reply DESC LIMIT ?
            """)
        query.bind(1, Int64(limit) * 100)
        query.bind(2, Int64(limit))
        var letters: [DeadLetter] = []
        try query.each { row in
            guard let source = row.text(1).flatMap(SourceName.init) else { return }
            var letter = DeadLetter(
                id: .reply(row.integer(0)),
                conversation: Conversation(source: source, chat: row.text(2) ?? "", thread: row.text(3)),
                source: source, session: row.text(4) ?? "",
                state: OutboxState(rawValue: row.integer(5))?.word ?? "", reason: row.text(11) ?? "", at: row.integer(6)
            )
            letter.parts = (row.text(7) ?? "").split(separator: ",").compactMap { Int64($0) }.sorted()
            letter.total = row.integer(8)
            if let bytes = row.blob(9) ?? row.blob(10),
                case .success(let asked) = Result(catching: { try JSONValue(parsing: bytes) })
            {
                letter.text = asked["text"]?.stringValue
            }
            letters.append(letter)
        }
        return letters
    }

    private func deadDeliveries(_ limit: Int) throws -> [DeadLetter] {
        let query = try HotStatement(
            db,
            """
            SELECT d.session, d.event, s.name, e.chat, e.thread, ifnull(n.label, ''), ifnull(d.reason, ''), d.changed, e.body
            FROM deliveries d JOIN events e ON e.seq = d.event JOIN sources s ON s.id = e.source
                LEFT JOIN sessions n ON n.id = d.session
            WHERE d.state = 9 ORDER BY d.event DESC LIMIT ?
            """)
        query.bind(1, Int64(limit))
        var letters: [DeadLetter] = []
        try query.each { row in
            guard let source = row.text(2).flatMap(SourceName.init) else { return }
            var letter = DeadLetter(
                id: .delivery(row.integer(0), row.integer(1)),
                conversation: Conversation(source: source, chat: row.text(3) ?? "", thread: row.text(4)),
                source: source, session: row.text(5) ?? "", state: "dead", reason: row.text(6) ?? "",
                at: row.integer(7))
            if let body = row.blob(8), case .success(let carried) = Result(catching: { try EventBody(json: body) }) {
                letter.text = carried.text
            }
            letters.append(letter)
        }
        return letters
    }

    private func deadEvents(_ limit: Int) throws -> [DeadLetter] {
        let query = try HotStatement(
            db,
            """
            SELECT d.id, s.name, d.reason, d.at FROM dead_letters d JOIN sources s ON s.id = d.source
            ORDER BY d.id DESC LIMIT ?
            """)
        query.bind(1, Int64(limit))
        var letters: [DeadLetter] = []
        try query.each { row in
            guard let source = row.text(1).flatMap(SourceName.init) else { return }
            letters.append(
                DeadLetter(
                    id: .event(row.integer(0)), conversation: nil, source: source, session: "", state: "malformed",
                    reason: row.text(2) ?? "", at: row.integer(3)))
        }
        return letters
    }
}

/// What stands behind some dead letters.
public struct StoredLetters: Sendable {
    /// All parts of each reply, in order.
    public var replies: [[OutboxPart]] = []
    public var deliveries: [(session: SessionID, delivery: WaitingDelivery)] = []
    public var events: [Int64] = []

    public init() {}
}

extension StoreTurn {
    /// Those of the given dead letters that there are; with `nil` all that certainly was not sent or delivered, the oldest
    /// first, at most so many.
    public func letters(_ ids: [LetterID]?, limit: Int) throws -> StoredLetters {
        var letters = StoredLetters()
        var seen: Set<LetterID> = []
        for id in try ids ?? certainLetters(limit: limit) where seen.insert(id).inserted {
            switch id {
            case .reply(let reply):
                let parts = try parts(reply: reply)
                if parts.contains(where: { $0.state == .rejected || $0.state == .unknown }) {
                    letters.replies.append(parts)
                }
            case .delivery(let session, let event):
                let query = try statement(WaitingDelivery.query + "WHERE d.session = ? AND d.event = ? AND d.state = 9")
                query.bind(1, session)
                query.bind(2, event)
                letters.deliveries += try query.waitingDeliveries().map { (session, $0) }
            case .event(let id):
                let query = try statement("SELECT id FROM dead_letters WHERE id = ?")
                query.bind(1, id)
                try query.each { letters.events.append($0.integer(0)) }
            }
        }
        return letters
    }

    private func certainLetters(limit: Int) throws -> [LetterID] {
        var ids: [LetterID] = []
        let replies = try statement(
            "SELECT DISTINCT reply FROM outbox WHERE state IN (3, 4) AND state = 3 AND \(OutboxPart.isLetter) ORDER BY reply LIMIT ?"
        )
        replies.bind(1, Int64(limit))
        try replies.each { ids.append(.reply($0.integer(0))) }
        let deliveries = try statement("SELECT session, event FROM deliveries WHERE state = 9 ORDER BY event LIMIT ?")
        deliveries.bind(1, Int64(limit))
        try deliveries.each { ids.append(.delivery($0.integer(0), $0.integer(1))) }
        return ids
    }

    /// Malformed events that nobody wants to see any more.
    public func deleteDeadLetters(_ ids: [Int64]) throws {
        let delete = try statement("DELETE FROM dead_letters WHERE id = ?")
        for id in ids {
            delete.bind(1, id)
            try delete.run()
        }
    }
}

extension OutboxPart {
    /// What a person or a session wanted to say; neither the router's own words nor a reaction that did not come about.
    static let isLetter = "verb = 'send' AND (session != 0 OR asked IS NOT NULL OR ordinal > 1)"
}
