import BusProtocol
import ChannelEvents
import MessageBus
import MessageStore

/// What belongs together arrives together; feeds wake a session only so often. Everything else goes at once.
extension RouterCore {
    /// Whether a fresh event is held for what belongs to it, as a reason code; `nil` for nearly all.
    mutating func gather(_ arrival: Arrival, _ now: Moment) -> String? {
        let head = arrival.head
        if head.isFeed {
            return gathering.mayWake(head, in: arrival.place, budget: settings.turns.wakeBudget, now: now.uptime)
        }
        let isPart = head.group != nil || isCut(arrival)
        if isPart {
            gathering.expectMore(in: arrival.place, quiet: settings.turns.quietWindow, now: now.uptime)
        } else if gathering.expectsMore(in: arrival.place), head.isPersons {
            // What is shorter than a cut is the end of it.
            gathering.complete(arrival.place)
            return "gathering"
        }
        return gathering.expectsMore(in: arrival.place) ? "gathering" : nil
    }

    private func isCut(_ arrival: Arrival) -> Bool {
        guard arrival.delivery.body.count * 20 >= Paste.leastLimit * 19, arrival.head.isPersons,
            let limit = sources[arrival.source]?.hello?.abilities.textLimit
        else { return false }
        return Paste.isCut(arrival.delivery.body, limit: limit)
    }

    /// How what waits for a session is put together.
    func rules(for session: Session) -> DeliveryUnit.Rules {
        var limits: [SourceID: Int64] = [:]
        for source in sources.values { limits[source.id] = source.hello?.abilities.textLimit }
        return DeliveryUnit.Rules(
            digestsMany: session.turn.hasHooks, digestsRedelivered: !session.turn.hasHooks,
            overflowed: gathering.overflowed, textLimits: limits)
    }

    // MARK: What changes while it waits

    /// An edit or a deletion of a message that still waits replaces or drops it, and goes to nobody itself.
    mutating func revises(_ arrival: Arrival, _ original: WaitingOriginal?, _ now: Moment) -> Bool {
        guard let original else { return false }
        let item = StoredDelivery(
            event: original.event, offers: original.offers, place: arrival.place, id: original.id, isPersons: false)
        switch arrival.head.kind {
        case .edit where original.sender == arrival.head.sender:
            effects.changes.append(.turn(.replaced(original.event, arrival.delivery.body)))
            if original.session == unassignedSession {
                unassigned.replace(original.event, with: arrival.delivery.body)
            } else {
                sessions[original.session]?.mailbox.replace(original.event, with: arrival.delivery.body)
            }
        case .deletion:
            if original.session == unassignedSession {
                unassigned.remove(original.event)
            } else {
                sessions[original.session]?.mailbox.remove(original.event)
            }
            set(item, of: original.session, .done, reason: "deleted")
        default: return false
        }
        // What became of the revision itself shows in its history.
        effects.changes.append(.turn(.merged(original.session, arrival.delivery.event)))
        counters.add("deliveries.revised")
        return true
    }
}
