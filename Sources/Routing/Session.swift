import ChannelEvents
import MessageBus
import MessageStore

/// A Claude Code session: what waits for it, what it was given, and how far its present incarnation is trusted.
struct Session {
    /// What the present incarnation may be given. A handshake is not a session: `claude mcp list` and `claude -p`
    /// complete one and vanish.
    enum Phase: Equatable {
        case away
        /// Just attached: nothing yet.
        case settling(until: Int64)
        /// Its first push goes alone.
        case probing
        /// The first push is out; the rest waits for it to be written.
        case probed(EventSequence)
        /// It was written; without hooks this much time must do as proof.
        case waiting(until: Int64)
        case ready
    }

    var record: SessionRecord
    var phase = Phase.away
    var link: LinkID?
    /// Of the process that is or was attached last.
    var instance: String?
    var pid: Int64 = 0
    /// Claude Code's own process.
    var parent: Int64 = 0
    var credit = 256
    var mailbox: Mailbox
    /// Offered to the present link and not reported written, in order.
    var inFlight: [StoredDelivery] = []
    /// Written, and nothing proved seen; the newest, in order.
    var uncovered: [StoredDelivery] = []
    /// Given out by an `inbox` whose answer the endpoint has not said it wrote; the next `inbox` gives it again. Bounded
    /// by what one `inbox` may give.
    var pulled: [Pulled] = []
    var parkedInbox: ParkedInbox?
    /// Whether it works, as its hooks tell.
    var turn = SessionTurn()
    /// What was proved seen, and what is still to be.
    var proof = SessionProof()
    /// The conversation in which somebody asked that the turn be stopped, as text.
    var stopAskedIn: String?
    var lastDelivery: Int64?
    var offered: Int64 = 0
    var written: Int64 = 0

    struct Pulled {
        var delivery: StoredDelivery
        /// It had been written as a notification before.
        var wasWritten: Bool
    }

    /// An `inbox` call that waits for the next message.
    struct ParkedInbox {
        var id: String
        var limit: Int
        var until: Int64
    }

    init(record: SessionRecord, waiting: Int64) {
        self.record = record
        mailbox = Mailbox(waiting: waiting)
    }

    var isAttached: Bool { link != nil }

    /// Something showed that a real session is behind the connection.
    var isProved: Bool { phase == .ready }

    /// Whether it may be given a message that belongs to nobody.
    var isPastSettling: Bool {
        switch phase {
        case .away, .settling: return false
        case .probing, .probed, .waiting, .ready: return true
        }
    }

    /// Nothing stands before an event that arrives now, and there is room for it. What goes to a session with hooks goes
    /// back to back at the end of the router's turn.
    var takesDirectly: Bool { mailbox.isEmpty && parkedInbox == nil && !turn.hasHooks && room > 0 }

    /// Why what waits is held although the session is there; a reason code of deliveries.
    var holds: String? {
        if proof.deafness != nil { return "deaf" }
        guard turn.hasHooks else { return nil }
        if turn.isWorking { return "busy" }
        if turn.hasLeft { return "leaving" }
        return proof.unseen.isEmpty ? nil : "unseen"
    }

    /// How many deliveries it may be given now.
    var room: Int {
        switch phase {
        case .ready: return holds == nil ? max(0, credit - inFlight.count) : 0
        case .probing: return 1
        case .away, .settling, .probed, .waiting: return 0
        }
    }

    mutating func noteOffer(_ delivery: StoredDelivery, _ now: Moment) {
        inFlight.append(delivery)
        offered += 1
        lastDelivery = now.wall
        if turn.hasHooks || proof.expectsHooks { proof.unseen[delivery.event] = now.uptime }
        // Which phase it is changes nothing for other sessions here: it is attached before and after.
        if phase == .probing { phase = .probed(delivery.event) }
    }

    /// The next time something happens by itself.
    var deadline: Int64? {
        let phaseEnd: Int64? =
            switch phase {
            case .settling(let until), .waiting(let until): until
            default: nil
            }
        return [phaseEnd, parkedInbox?.until, turn.deadline, deafnessDue].lazy.compactMap(\.self).min()
    }

    /// A word for `sessions` and `status`.
    var word: String {
        switch phase {
        case .away: return "away"
        case .settling: return "settling"
        case .probing: return "attached"
        case .probed, .waiting: return "proving"
        case .ready:
            if proof.deafness != nil { return "deaf" }
            guard turn.hasHooks else { return "ready" }
            return turn.isWorking ? "busy" : "idle"
        }
    }
}
