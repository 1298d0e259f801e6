import ChannelEvents
import JSON
import MessageStore

/// Quiet hours of feeds: what comes then waits, and goes to its session when they are over.
extension RouterCore {
    func isQuiet(_ feed: Feed, _ now: Moment) -> Bool {
        feed.quietHours?.contains(settings.minuteOfDay(now.wall)) ?? false
    }

    /// - Returns: whether an event waits for the end of its feed's quiet hours.
    mutating func parks(_ arrival: Arrival, _ feed: Feed, _ now: Moment) -> Bool {
        guard isQuiet(feed, now) else { return false }
        feeds.parked[arrival.place] = arrival.delivery
        effects.changes.append(.delivery(quietSession, arrival.delivery.event, .waiting, offers: 0))
        counters.add("feeds.parked")
        return true
    }

    /// Gives what waited to the sessions that it would have gone to.
    mutating func releaseQuiet(_ now: Moment) {
        guard !feeds.parked.isEmpty else { return }
        for (place, delivery) in feeds.parked.sorted(by: { $0.value.event < $1.value.event }) {
            guard let source = sourceNames[delivery.source] else { continue }
            let arrival = Arrival(delivery: delivery, source: source)
            if let feed = feed(of: arrival), isQuiet(feed, now) { continue }
            feeds.parked[place] = nil
            let target: SessionID
            switch choose(arrival, answering: nil) {
            case .session(let id): target = id
            case .all(let ids): target = ids.first ?? unassignedSession
            case .hold: target = heldSession
            case .ask, .nobody: target = reach(of: arrival) == nil ? unassignedSession : heldSession
            }
            handOver(place, from: quietSession, to: target)
            if isTapWatched {
                tap("feed", ["conversation": .string(arrival.conversation.description), "state": "quiet hours over"])
            }
        }
    }
}
