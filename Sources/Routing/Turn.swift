import BusProtocol
import MessageBus
import MessageStore

/// What one turn of the loop does inside its transaction: for each message the store says what must be known, the core
/// decides, the store applies; then what became due by itself, and the deliveries there is room for.
enum Turn {
    /// Pages of waiting deliveries that one turn reads at most: a commit must stay short.
    private static let pages = 4

    /// - Returns: what is to be sent once the transaction is committed, and not before.
    static func run(
        _ inbound: [BusListener.Inbound], core: inout RouterCore, store: inout StoreTurn, keys: SourceKeys, now: Moment
    ) throws -> Effects {
        // Calls whose files have come: they are asked again as if they had come just now.
        for (link, call) in core.takeResumedCalls() {
            guard let epoch = core.links.accepted(from: link)?.epoch else { continue }
            try take(.call(epoch: epoch, call), from: link, core: &core, store: &store, keys: keys, now: now)
        }
        for item in inbound {
            switch item.message {
            case .failure(let error): core.refuse(error, command: item.command, from: item.link)
            case .success(let message):
                try take(
                    message, from: item.link, as: item.authorized, core: &core, store: &store, keys: keys, now: now)
            }
        }
        core.tick(now: now)
        for lookup in core.routes.takeLookups() {
            try applyChanges(of: &core, to: &store, now)
            core.take(try store.find(lookup), now)
        }
        core.pump(now: now)
        for _ in 0..<pages {
            guard let question = core.pageWanted(), case .page(let session, _, let limit) = question else { break }
            try applyChanges(of: &core, to: &store, now)
            guard case .deliveries(let page) = try store.answer(question, keys: keys, now: now) else { break }
            core.take(page: page, for: session, asked: limit)
            core.pump(now: now)
        }
        try applyChanges(of: &core, to: &store, now)
        return core.endTurn(now: now)
    }

    private static func take(
        _ message: PeerMessage, from link: LinkID, as authorized: BusListener.AuthorizedPeer? = nil,
        core: inout RouterCore, store: inout StoreTurn, keys: SourceKeys, now: Moment
    ) throws {
        var fact = Fact.none
        if let question = core.question(for: message, from: link, now: now) {
            fact = try store.answer(question, keys: keys, now: now)
        }
        core.handle(message, from: link, as: authorized, knowing: fact, now: now)
        // What the next message's question asks for must be in the store by then.
        try applyChanges(of: &core, to: &store, now)
    }

    private static func applyChanges(of core: inout RouterCore, to store: inout StoreTurn, _ now: Moment) throws {
        let changes = core.takeChanges(now: now)
        if !changes.isEmpty { try store.apply(changes, now: now) }
    }
}
