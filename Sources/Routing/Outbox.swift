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
    private var lanes: [Place: [Int64]] = [:]
    private var numbers: [String: Int64] = [:]
    /// Lanes whose first part may have become ready: a turn looks at these only.
    private var stirred: Set<Place> = []
    /// Lanes whose first part may be tried at a time (wall clock) in the future.
    private var sleeping: [Place: Int64] = [:]
    /// The earliest of those times.
    private(set) var nextTry: Int64?
    private(set) var lastID: Int64
    /// Callers that wait for what becomes of a part: more than one when the same words are asked for again meanwhile.
    private(set) var waiting: [Int64: [Caller]] = [:]

    /// When the first caller has waited long enough, as uptime.
    var nextCaller: Int64? { waiting.values.lazy.flatMap { $0 }.map(\.until).min() }

    /// A tool call or an operator's question that a part belongs to.
    struct Caller: Sendable {
        var link: LinkID
        var id: String
        /// Uptime; past it the caller hears how things stand.
        var until: Int64
        /// One more sentence for it, whatever the outcome.
        var remark = ""
    }

    init(parts: [OutboxPart], last: Int64) {
        lastID = last
        for part in parts { insert(part) }
    }

    var count: Int { parts.count }

    mutating func add(_ part: OutboxPart) -> OutboxPart {
        lastID += 1
        var part = part
        part.id = lastID
        insert(part)
        return part
    }

    private mutating func insert(_ part: OutboxPart) {
        parts[part.id] = part
        numbers[part.key] = part.id
        lanes[part.place, default: []].append(part.id)
        stirred.insert(part.place)
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

    /// Notes a new state; a part that is settled leaves its lane, and the next one may go.
    mutating func update(_ part: OutboxPart) {
        stirred.insert(part.place)
        guard part.state.rawValue >= OutboxState.sent.rawValue else {
            parts[part.id] = part
            return
        }
        parts[part.id] = nil
        numbers[part.key] = nil
        lanes[part.place]?.removeAll { $0 == part.id }
        if lanes[part.place]?.isEmpty == true { lanes[part.place] = nil }
    }

    /// The first parts of lanes that may be sent now, oldest first.
    mutating func takeReady(now: Int64) -> [OutboxPart] {
        if let time = nextTry, time <= now {
            for (place, time) in sleeping where time <= now { stirred.insert(place) }
        }
        guard !stirred.isEmpty else { return [] }
        var ready: [OutboxPart] = []
        for place in stirred {
            sleeping[place] = nil
            guard let id = lanes[place]?.first, let part = parts[id], part.state == .queued else { continue }
            if part.notBefore <= now { ready.append(part) } else { sleeping[place] = part.notBefore }
        }
        stirred.removeAll(keepingCapacity: true)
        nextTry = sleeping.values.min()
        return ready.sorted { $0.id < $1.id }
    }

    /// The part that a source was told to send under this key, which is a ``OutboxPart/commandKey``.
    func sending(_ key: String, source: SourceID) -> OutboxPart? {
        let stem = key.lastIndex(of: "#").map { String(key[..<$0]) }
        return [key, stem].lazy.compactMap { $0.flatMap { numbers[$0] }.flatMap { parts[$0] } }
            .first { $0.commandKey == key && $0.source == source && $0.state == .sending }
    }

    /// Parts that an adapter was told to send.
    func sending(source: SourceID) -> [OutboxPart] {
        parts.values.filter { $0.source == source && $0.state == .sending }.sorted { $0.id < $1.id }
    }

    /// The source is back: its lanes are looked at again.
    mutating func stir(source: SourceID) {
        for place in lanes.keys where place.source == source { stirred.insert(place) }
    }

    /// Chats whose parts are worth trying at once.
    mutating func resume(source: SourceID, chats: Set<String>) {
        for (place, lane) in lanes where place.source == source && chats.contains(place.chat) {
            if let id = lane.first { parts[id]?.notBefore = 0 }
            stirred.insert(place)
        }
    }
}

extension OutboxPart {
    var place: Place { Place(source: source, chat: chat, thread: thread) }

    /// What COMMAND names: a try after `retry` is a command of its own. Else the RESULT of the first try, which an
    /// adapter says again to a restarted router, would count for the second one while that is under way.
    var commandKey: String { attempts > 1 ? "\(key)#\(attempts)" : key }
}
