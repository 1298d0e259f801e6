import BusProtocol
import ChannelEvents
import MessageBus
import MessageStore

/// The files that are under way, and what waits for them.
struct FileBook {
    /// What a file is for.
    enum Subject {
        /// An attachment of an event, by place.
        case attachment(EventSequence, position: Int, isImage: Bool)
        /// A file of a call that goes out.
        case upload(call: String, position: Int)
        /// What was said in a conversation before.
        case history(Place, limit: Int)
    }

    struct Pull {
        var subject: Subject
        /// Whose adapter has it; `nil` for a file that an endpoint has.
        var source: SourceName?
        /// Tool calls that wait for it; past ``callerLimit`` the oldest is answered.
        var callers: [Outbox.Caller] = []
        /// Not begun: its adapter is away, and expected back.
        var order: FileOrder?
    }

    static let callerLimit = 16

    /// An event that waits for its pictures, or behind one of its conversation that does.
    struct Held {
        var arrival: Arrival
        var speaker: SessionID?
        /// The transfers it waits for.
        var wanted: Set<String>
        /// Uptime at which it goes without them.
        var until: Int64
    }

    /// Events that wait at once; past it one goes without its pictures.
    static let heldLimit = 1_000

    /// By the name of the transfer. Bounded by what the file thread takes; an order past that fails at once.
    var pulls: [String: Pull] = [:]
    private(set) var held: [Place: [Held]] = [:]
    private(set) var heldCount = 0
    /// Calls whose files are on their way here, or here.
    var uploads: [String: Upload] = [:]

    /// Numbers the histories of this epoch.
    var histories: UInt64 = 0
    /// Calls to handle now that their files are here.
    var resumed: [(LinkID, Call)] = []

    /// The name of an attachment's transfer.
    static func name(_ event: EventSequence, _ position: Int) -> String { "a\(event).\(position)" }

    func isHolding(_ place: Place) -> Bool { held[place] != nil }

    mutating func hold(_ item: Held) {
        held[item.arrival.place, default: []].append(item)
        heldCount += 1
    }

    /// A file came, or will not.
    mutating func settle(_ name: String, _ file: StoredFile?) {
        for (place, items) in held where items.contains(where: { $0.wanted.contains(name) }) {
            for index in items.indices where held[place]?[index].wanted.remove(name) != nil {
                guard let file, held[place]?[index].arrival.delivery.image == nil else { continue }
                held[place]?[index].arrival.delivery.image = file
            }
        }
    }

    /// Changes the items of one source in place.
    mutating func update(_ source: SourceName, _ change: (inout Held) -> Void) {
        for (place, items) in held {
            for index in items.indices where items[index].arrival.source == source {
                if var item = held[place]?[index] {
                    change(&item)
                    held[place]?[index] = item
                }
            }
        }
    }

    /// What need not wait any longer, in the order of each conversation.
    mutating func takeReady(now: Int64) -> [Held] {
        guard heldCount > 0 else { return [] }
        var ready: [Held] = []
        for (place, items) in held {
            let gone = items.prefix { $0.wanted.isEmpty || $0.until <= now }
            guard !gone.isEmpty else { continue }
            ready += gone
            held[place] = gone.count == items.count ? nil : Array(items.dropFirst(gone.count))
        }
        heldCount -= ready.count
        return ready.sorted { $0.arrival.delivery.event < $1.arrival.delivery.event }
    }

    /// When something is due next, as uptime.
    var deadline: Int64? {
        let items = held.values.compactMap { $0.first.map { $0.wanted.isEmpty ? 0 : $0.until } }.min()
        let callers = pulls.values.lazy.flatMap(\.callers).map(\.until).min()
        guard let items else { return callers }
        return min(items, callers ?? .max)
    }

    /// What was never begun, and nobody waits for any more.
    mutating func forgetUnwanted() { pulls = pulls.filter { $0.value.order == nil || !$0.value.callers.isEmpty } }

    /// Callers that waited long enough.
    mutating func takeExpired(now: Int64) -> [Outbox.Caller] {
        var expired: [Outbox.Caller] = []
        for (name, pull) in pulls where pull.callers.contains(where: { $0.until <= now }) {
            expired += pull.callers.filter { $0.until <= now }
            pulls[name]?.callers.removeAll { $0.until <= now }
        }
        return expired
    }
}

extension Attachment {
    /// A picture that Claude can look at.
    var isPicture: Bool {
        switch plainType {
        case "image/png", "image/jpeg", "image/jpg", "image/gif", "image/webp": return true
        default: return false
        }
    }

    /// What its file's name ends with. A picture's type says it: programs that go by the ending would not show it under
    /// another; else its own, when that is short and plain, or what its type says.
    var ending: String {
        if isPicture, let ending = Self.endings[plainType] { return ending }
        if let name, let dot = name.lastIndex(of: ".") {
            let ending = name[dot...].lowercased()
            let isPlain = ending.utf8.dropFirst().allSatisfy {
                (0x61...0x7A).contains($0) || (0x30...0x39).contains($0)
            }
            if isPlain, (2...9).contains(ending.utf8.count) { return ending }
        }
        return Self.endings[plainType] ?? ""
    }

    private var plainType: String { mediaType?.lowercased().prefix { $0 != ";" }.description ?? "" }

    private static let endings = [
        "image/png": ".png", "image/jpeg": ".jpg", "image/jpg": ".jpg", "image/gif": ".gif", "image/webp": ".webp",
        "application/pdf": ".pdf", "application/json": ".json", "text/plain": ".txt",
    ]
}
