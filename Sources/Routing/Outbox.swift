import ChannelEvents
import MessageBus
import MessageStore

/// What is to be sent, a lane per conversation: strict order inside, lanes never wait for each other.
struct Outbox {
    /// Open parts in all lanes; past it a new one is refused.
    static let limit = 10_000
    /// A part that could not be sent for so long is given up, in milliseconds.
    static let lifetime: Int64 = 86_400_000

    private(set) var parts: [Int64: OutboxPart] = [:]
    /// Numbers of open parts, oldest first.
    private(set) var lanes: [Place: [Int64]] = [:]
    private(set) var lastID: Int64
    /// Callers that wait for what becomes of a part: more than one when the same words are asked for again meanwhile.
    private(set) var waiting: [Int64: [Caller]] = [:]
    /// The earliest time (wall clock) at which a queued part may be tried, when that is in the future.
    private(set) var nextTry: Int64?

    /// A tool call or an operator's question that a part belongs to.
    struct Caller: Sendable {
        var link: LinkID
        var id: String
        /// Uptime; past it the caller hears how things stand.
        var until: Int64
    }

    init(parts: [OutboxPart], last: Int64) {
        lastID = last
        for part in parts {
            self.parts[part.id] = part
            lanes[part.place, default: []].append(part.id)
        }
    }

    var count: Int { parts.count }

    mutating func add(_ part: OutboxPart) -> OutboxPart {
        lastID += 1
        var part = part
        part.id = lastID
        parts[part.id] = part
        lanes[part.place, default: []].append(part.id)
        return part
    }

    /// Callers of one part; past it the oldest is told how things stand.
    static let callerLimit = 16

    /// - Returns: a caller who has to be told at once, because too many wait for the same part.
    mutating func wait(_ caller: Caller, for part: Int64) -> Caller? {
        // The same call again, over a new link.
        waiting[part]?.removeAll { $0.id == caller.id }
        waiting[part, default: []].append(caller)
        guard let count = waiting[part]?.count, count > Self.callerLimit else { return nil }
        return waiting[part]?.removeFirst()
    }

    mutating func takeCallers(of part: Int64) -> [Caller] { waiting.removeValue(forKey: part) ?? [] }

    /// Callers of a part that waited long enough.
    mutating func takeExpired(now: Int64) -> [(part: Int64, Caller)] {
        var expired: [(part: Int64, Caller)] = []
        for (part, callers) in waiting where callers.contains(where: { $0.until <= now }) {
            expired += callers.filter { $0.until <= now }.map { (part, $0) }
            let left = callers.filter { $0.until > now }
            waiting[part] = left.isEmpty ? nil : left
        }
        return expired
    }

    /// Notes a new state; a part that is settled leaves its lane.
    mutating func update(_ part: OutboxPart) {
        guard part.state.rawValue >= OutboxState.sent.rawValue else {
            parts[part.id] = part
            return
        }
        parts[part.id] = nil
        lanes[part.place]?.removeAll { $0 == part.id }
        if lanes[part.place]?.isEmpty == true { lanes[part.place] = nil }
    }

    /// The first part of every lane that may be sent now. Notes when the next one may.
    mutating func ready(now: Int64) -> [OutboxPart] {
        nextTry = nil
        var ready: [OutboxPart] = []
        for lane in lanes.values {
            guard let id = lane.first, let part = parts[id], part.state == .queued else { continue }
            if part.notBefore <= now { ready.append(part) } else { nextTry = min(nextTry ?? .max, part.notBefore) }
        }
        return ready.sorted { $0.id < $1.id }
    }

    /// Parts that an adapter was told to send.
    func sending(source: SourceID) -> [OutboxPart] {
        parts.values.filter { $0.source == source && $0.state == .sending }.sorted { $0.id < $1.id }
    }

    /// Chats whose parts are worth trying at once.
    mutating func resume(source: SourceID, chats: Set<String>) {
        for (place, lane) in lanes where place.source == source && chats.contains(place.chat) {
            if let id = lane.first { parts[id]?.notBefore = 0 }
        }
    }
}

extension OutboxPart {
    var place: Place { Place(source: source, chat: chat, thread: thread) }
}
