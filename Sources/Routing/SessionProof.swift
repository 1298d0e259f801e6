import MessageStore

/// What a session was proved to have seen, and what it was given without a proof so far.
struct SessionProof {
    /// Seen, and neither answered nor passed: the turn that runs, or the next one that ends, owns them.
    struct Owned {
        var delivery: StoredDelivery
        /// When it was seen, by the session's own clock.
        var seen: Int64
    }

    /// A session that is written to and does not take it.
    struct Deafness: Hashable {
        /// The likely cause, in words.
        var cause: String
        /// Milliseconds since 1970; `nil` after a restart of the router.
        var since: Int64?
    }

    /// An earlier process of this session had hooks: this one should prove what it saw, too.
    var expectsHooks = false
    /// Given to a session that proves what it sees, and not proved seen; by when it was given (uptime).
    var unseen: [EventSequence: Int64] = [:]
    private(set) var owned: [Owned] = []
    /// Conversations of the messages that the turn that runs has taken in, answered or not.
    private(set) var places: Set<Place> = []
    var deafness: Deafness?
    /// Not seen for so long by a session that does nothing else, a message was not heard. Milliseconds.
    var deafAfter: Int64 = 30_000
    /// Something was proved seen by the present process.
    var hasSeen = false

    /// More than this are not owned: the oldest are no longer waited for.
    static let ownedLimit = 1024

    mutating func own(_ delivery: StoredDelivery, seen: Int64) {
        if owned.count == Self.ownedLimit { owned.removeFirst() }
        owned.append(Owned(delivery: delivery, seen: seen))
        places.insert(delivery.place)
    }

    mutating func endTurn() { places = Set(owned.map(\.delivery.place)) }

    /// Takes out what is covered.
    mutating func takeOwned(where isCovered: (Owned) -> Bool) -> [Owned] {
        guard owned.contains(where: isCovered) else { return [] }
        defer { owned.removeAll(where: isCovered) }
        return owned.filter(isCovered)
    }
}

extension Session {
    /// When the session is deaf unless something is proved seen until then, as uptime. The clock runs only while no turn
    /// does: in a turn a message waits inside Claude Code.
    var deafnessDue: Int64? {
        guard isAttached, proof.deafness == nil, !turn.isWorking, let oldest = proof.unseen.values.min() else {
            return nil
        }
        return max(oldest, turn.quiet) + proof.deafAfter
    }

    /// Why what was written was not seen, as far as can be guessed from here.
    var likelyCause: String {
        if proof.hasSeen {
            return "it took messages before: a dialog may be open, or a text stand in its input line"
        }
        if turn.hasHooks {
            return "its hooks work, but no channel message ever reached Claude: it was started without the channel, or "
                + "channels are not available to it"
        }
        return "none of its hooks was heard: it is not running Claude Code's turn, or was started without the plugin"
    }
}
