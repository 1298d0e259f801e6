import ChannelEvents
import JSON
import MessageBus
import MessageStore

/// Every change of a delivery's state goes through here: into the store, and onto the tap.
extension RouterCore {
    /// What becomes of a delivery becomes of all that it carries.
    mutating func set(
        _ item: StoredDelivery, of id: SessionID, _ state: DeliveryState, reason: String? = nil
    ) {
        effects.changes.append(.transition(id, item.event, state, offers: item.offers, reason: reason))
        for event in item.carried {
            effects.changes.append(.transition(id, event, state, offers: item.offers, reason: reason))
        }
        if isTapWatched { tap(item, of: id, state, reason: reason) }
        noteMark(item, of: id, state, reason: reason)
    }

    /// The same for what may wait for the next commit.
    mutating func setLater(_ item: StoredDelivery, of id: SessionID, _ state: DeliveryState, _ now: Moment) {
        deferred.append(.transition(id, item.event, state, offers: item.offers, reason: nil), now)
        for event in item.carried {
            deferred.append(.transition(id, event, state, offers: item.offers, reason: nil), now)
        }
        if isTapWatched { tap(item, of: id, state) }
        if state != .written { noteMark(item, of: id, state, reason: nil) }
    }

    mutating func tap(_ item: StoredDelivery, of id: SessionID, _ state: DeliveryState, reason: String? = nil) {
        guard let name = sourceNames[item.place.source], let session = sessions[id] else { return }
        var line: JSONObject = [
            "event_id": .string(EventKey(source: name, id: item.id).description),
            "session": .string(session.record.label), "state": .string(state.word),
            "redelivery": .integer(max(0, item.offers - 1)),
        ]
        if let reason { line["reason"] = .string(reason) }
        if !item.carried.isEmpty { line["count"] = .integer(Int64(item.carried.count) + 1) }
        tap("delivery", .object(line))
    }

    /// A fresh delivery waits, and why where its session is there: then it is held.
    mutating func wait(_ arrival: Arrival, for id: SessionID, held reason: String?) {
        let event = arrival.delivery.event
        if let reason {
            effects.changes.append(.turn(.held(id, event, reason: reason)))
        } else {
            effects.changes.append(.delivery(id, event, .waiting, offers: 0))
        }
        guard isTapWatched else { return }
        var line: JSONObject = [
            "event_id": .string(arrival.key.description), "session": .string(sessions[id]?.record.label ?? ""),
            "state": .string(reason == nil ? DeliveryState.waiting.word : "held"),
        ]
        if let reason { line["reason"] = .string(reason) }
        tap("delivery", .object(line))
    }
}
