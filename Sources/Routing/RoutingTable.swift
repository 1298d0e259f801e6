import ChannelEvents
import MessageStore

/// What was chosen and asked, per conversation; the store has it too.
struct RoutingTable: Sendable {
    var bindings: [Place: SessionID]
    var asked: Set<Place>
    var speakers: [Place: Set<SessionID>]
    /// Several sessions can be chosen now and something waits for nobody.
    var mustAsk = false
    var topics: TopicTable
    /// What is to be looked up once the turn's messages are handled; a message asks for a few at most.
    private var lookups: [Lookup] = []
    private var counts: Set<SessionID> = []

    init(_ stored: StoredRoutes, outbox: [OutboxPart]) {
        bindings = stored.bindings
        asked = stored.asked
        speakers = stored.speakers
        topics = TopicTable(stored, outbox: outbox)
    }

    mutating func want(_ lookup: Lookup) {
        if case .count(let session) = lookup { counts.insert(session) } else { lookups.append(lookup) }
    }

    mutating func takeLookups() -> [Lookup] {
        guard !lookups.isEmpty || !counts.isEmpty else { return [] }
        defer { (lookups, counts) = ([], []) }
        return counts.sorted().map(Lookup.count) + lookups
    }
}
