import ChannelEvents
import MessageBus
import MessageStore

/// What is to be sent, a lane per conversation: strict order inside, lanes never wait for each other.
///
/// A reply is one part or several in a row; callers wait for the whole reply.
struct Outbox {
    /// Open parts in all lanes; past it a new one is refused.
    static let limit = 10_000
    /// A part that could not be sent for so long is given up, in milliseconds.
    static let lifetime: Int64 = 86_400_000
    /// A part that a working platform did not take so often is given up: the lane behind it goes on. With the waits
    /// between them that is about ten minutes; what the platform asks for comes on top.
    static let tryLimit = 20
    /// An adapter that is there says within so long what became of a part, in milliseconds; else it is unknown.
    static let resultPatience: Int64 = 600_000

    private(set) var parts: [Int64: OutboxPart] = [:]
    /// Settled parts of replies that have open ones, by the reply.
    private var settled: [Int64: [OutboxPart]] = [:]
    /// How many parts of a reply are open.
    private var open: [Int64: Int] = [:]
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
    /// Callers that wait for what becomes of a reply: more than one when the same words are asked for again meanwhile.
    private(set) var waiting: [Int64: [Caller]] = [:]
    /// Tries of a part that a working platform put off; not of an outage. A restart counts anew.
    private var putOff: [Int64: Int] = [:]
    /// When an adapter was told to send a part, as uptime.
    private var told: [Int64: Int64] = [:]

    /// When the first caller has waited long enough, as uptime.
    var nextCaller: Int64? { waiting.values.lazy.flatMap { $0 }.map(\.until).min() }
    /// When the first adapter has taken too long, as uptime.
    var nextOverdue: Int64? { told.values.min().map { $0 + Self.resultPatience } }

    /// A tool call or an operator's question that a reply belongs to.
    struct Caller: Sendable {
        var link: LinkID
        var id: String
        /// Uptime; past it the caller hears how things stand.
        var until: Int64
        /// One more sentence for it, whatever the outcome.
        var remark = ""
    }

    /// - Parameter parts: oldest first; settled ones of replies that have open ones.
    init(parts: [OutboxPart], last: Int64) {
        lastID = last
        for part in parts {
            if part.isSettled { settled[part.reply, default: []].append(part) } else { insert(part) }
        }
    }

    var count: Int { parts.count }

    /// Whether what has this key is open.
    func holds(_ key: String) -> Bool { numbers[key] != nil }

    mutating func add(_ part: OutboxPart) -> OutboxPart { add([part])[0] }

    /// The parts of one reply, in order.
    mutating func add(_ parts: [OutboxPart]) -> [OutboxPart] {
        let reply = lastID + 1
        return parts.map { part in
            lastID += 1
            var part = part
            part.id = lastID
            part.reply = reply
            insert(part)
            return part
        }
    }

    /// Parts that were given up and are to be tried again, at the end of their lane.
    mutating func addAgain(_ parts: [OutboxPart], settled others: [OutboxPart]) {
        guard let reply = parts.first?.reply else { return }
        let isOpen = open[reply] != nil
        settled[reply] = isOpen ? (settled[reply] ?? []).filter { old in !parts.contains { $0.id == old.id } } : others
        for part in parts { insert(part) }
    }

    private mutating func insert(_ part: OutboxPart) {
        parts[part.id] = part
        numbers[part.key] = part.id
        open[part.reply, default: 0] += 1
        lanes[part.place, default: []].append(part.id)
        stirred.insert(part.place)
    }

    /// All parts of a reply that is not settled as a whole, in order.
    func parts(of reply: Int64) -> [OutboxPart] {
        guard open[reply] != nil else { return [] }
        let total = parts[reply]?.total ?? settled[reply]?.first?.total ?? 1
        let open = (reply..<reply + max(total, 1)).compactMap { parts[$0] }
        return ((settled[reply] ?? []) + open).sorted { $0.ordinal < $1.ordinal }
    }

    // MARK: Callers

    /// Callers of one reply; past it the oldest is told how things stand.
    static let callerLimit = 16

    /// - Returns: a caller who has to be told at once, because too many wait for the same reply.
    mutating func wait(_ caller: Caller, for reply: Int64) -> Caller? {
        // The same call again, over a new link.
        waiting[reply]?.removeAll { $0.id == caller.id }
        waiting[reply, default: []].append(caller)
        guard let count = waiting[reply]?.count, count > Self.callerLimit else { return nil }
        return waiting[reply]?.removeFirst()
    }

    /// - Parameter within: only those who will have waited long enough by then, as uptime.
    mutating func takeCallers(of reply: Int64, within time: Int64 = .max) -> [Caller] {
        guard let callers = waiting[reply] else { return [] }
        let left = callers.filter { $0.until > time }
        waiting[reply] = left.isEmpty ? nil : left
        return callers.filter { $0.until <= time }
    }

    /// Callers of a reply that waited long enough.
    mutating func takeExpired(now: Int64) -> [(reply: Int64, Caller)] {
        waiting.keys.sorted().flatMap { reply in takeCallers(of: reply, within: now).map { (reply, $0) } }
    }

    // MARK: Lanes

    /// Notes a new state; a part that is settled leaves its lane, and the next one may go.
    mutating func update(_ part: OutboxPart) {
        stirred.insert(part.place)
        told[part.id] = nil
        guard part.isSettled else {
            parts[part.id] = part
            return
        }
        guard parts.removeValue(forKey: part.id) != nil else { return }
        numbers[part.key] = nil
        putOff[part.id] = nil
        lanes[part.place]?.removeAll { $0 == part.id }
        if lanes[part.place]?.isEmpty == true { lanes[part.place] = nil }
        if let count = open[part.reply], count > 1 {
            open[part.reply] = count - 1
            settled[part.reply, default: []].append(part)
        } else {
            open[part.reply] = nil
            settled[part.reply] = nil
        }
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

    mutating func noteTold(_ part: OutboxPart, at uptime: Int64) { told[part.id] = uptime }

    /// Parts whose adapter took too long to say what became of them.
    mutating func takeOverdue(now: Int64) -> [OutboxPart] {
        let overdue = told.filter { $0.value + Self.resultPatience <= now }.keys
        for id in overdue { told[id] = nil }
        return overdue.compactMap { parts[$0] }.filter { $0.state == .sending }.sorted { $0.id < $1.id }
    }

    /// The adapter is gone: it may yet say what became of what it was told.
    mutating func forgetTold(source: SourceID) {
        for id in told.keys where parts[id]?.source == source { told[id] = nil }
    }

    /// A working platform put a part off. - Returns: whether it did so too often.
    mutating func notePutOff(_ part: OutboxPart) -> Bool {
        putOff[part.id, default: 0] += 1
        return putOff[part.id, default: 0] >= Self.tryLimit
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

    var isSettled: Bool { state != .queued && state != .sending }

    /// What COMMAND names: a try after `retry` is a command of its own. Else the RESULT of the first try, which an
    /// adapter says again to a restarted router, would count for the second one while that is under way.
    var commandKey: String { attempts > 1 ? "\(key)#\(attempts)" : key }

    /// The key of a further part of a reply; the first one has the reply's own.
    static func key(_ key: String, part ordinal: Int) -> String { ordinal > 1 ? "\(key)/\(ordinal)" : key }
}
