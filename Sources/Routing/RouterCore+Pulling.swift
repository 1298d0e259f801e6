import BusProtocol
import ChannelEvents
import JSON
import MessageBus
import MessageStore

/// `inbox`: a session takes what waits instead of being pushed it.
extension RouterCore {
    mutating func inbox(
        _ call: Call, session id: SessionID, from link: LinkID, knowing fact: Fact, _ now: Moment
    ) {
        let limit = Self.limit(call.arguments, standard: 20, most: 50)
        var messages: [JSONValue] = []
        var room = StoreReader.answerBytes
        if case .deliveries(let all) = fact {
            let deliveries = all.prefix { delivery in
                defer { room -= delivery.body.count }
                return room > 0
            }
            messages = deliveries.map { message($0, for: link) }
            pull(Set(deliveries.map(\.event)), for: id)
        }
        takeUnpushed(for: id, limit, room, link, into: &messages)
        let wait = min(max(call.arguments["wait_seconds"]?.integerValue ?? 0, 0), 50)
        if messages.isEmpty, wait > 0 {
            // One call waits for a session; an earlier one ends here, so that none is left without an answer.
            if sessions[id]?.parkedInbox.map({ $0.id != call.id }) ?? false {
                answerParkedInbox(id, now, evenIfEmpty: true)
            }
            sessions[id]?.parkedInbox = Session.ParkedInbox(id: call.id, limit: limit, until: now.uptime + wait * 1_000)
            return
        }
        answerInbox(call.id, messages, session: id, link)
    }

    /// What was written becomes pulled: seen as soon as the endpoint says that it wrote the answer.
    private mutating func pull(_ events: Set<EventSequence>, for id: SessionID) {
        guard !events.isEmpty, let uncovered = sessions[id]?.uncovered else { return }
        sessions[id]?.uncovered = uncovered.filter { !events.contains($0.event) }
        sessions[id]?.pulled += uncovered.filter { events.contains($0.event) }.map {
            Session.Pulled(delivery: $0, wasWritten: true)
        }
    }

    /// Takes what waits out of the queues. An answer can be lost on its way, so it is offered, not yet seen.
    /// At most so many messages and about so many bytes of them.
    private mutating func takeUnpushed(
        for id: SessionID, _ limit: Int, _ bytes: Int, _ link: LinkID, into messages: inout [JSONValue]
    ) {
        var room = bytes
        while messages.count < limit, room > 0, let index = sessions.index(forKey: id),
            let next = takeNext(for: id, at: index)
        {
            let delivery = next.delivery
            room -= delivery.body.count
            messages.append(message(delivery, for: link))
            let place = Place(source: delivery.source, chat: delivery.head.chat, thread: delivery.head.thread)
            let stored = StoredDelivery(
                event: delivery.event, offers: delivery.offers + 1, place: place, id: delivery.head.id,
                isPersons: delivery.head.isPersons)
            note(place, usedBy: id)
            sessions[id]?.pulled.append(Session.Pulled(delivery: stored, wasWritten: false))
            effects.changes.append(
                next.wasUnassigned
                    ? .assignment(delivery.event, to: id, .offered, offers: delivery.offers + 1)
                    : .transition(id, delivery.event, .offered, offers: delivery.offers + 1, reason: nil))
            counters.add("deliveries.pulled")
        }
    }

    /// Answers an `inbox` that waits, when there is something; gives whether it was answered.
    @discardableResult
    mutating func answerParkedInbox(_ id: SessionID, _ now: Moment, evenIfEmpty: Bool = false) -> Bool {
        guard let parked = sessions[id]?.parkedInbox, let link = sessions[id]?.link else { return false }
        var messages: [JSONValue] = []
        takeUnpushed(for: id, parked.limit, StoreReader.answerBytes, link, into: &messages)
        guard evenIfEmpty || !messages.isEmpty else { return false }
        sessions[id]?.parkedInbox = nil
        answerInbox(parked.id, messages, session: id, link)
        return true
    }

    private mutating func answerInbox(_ call: String, _ messages: [JSONValue], session id: SessionID, _ link: LinkID) {
        let rest = (sessions[id]?.mailbox.count ?? 0) + (defaultSession == id ? unassigned.count : 0)
        let more = rest > 0 || sessions[id]?.uncovered.isEmpty == false
        answer(call, .success(["messages": .array(messages), "more": .bool(more)]), to: link)
    }

    private func message(_ delivery: WaitingDelivery, for link: LinkID) -> JSONValue {
        guard let name = sourceNames[delivery.source] else { return .null }
        var entry = HistoryEntry(
            sequence: delivery.event, source: name, head: delivery.head, rule: "", body: delivery.body
        ).toolMessage
        if let path = delivery.image.flatMap({ path(of: $0, for: link) }) { entry["image_path"] = .string(path) }
        if delivery.offers > 0 { entry["redelivery"] = .integer(delivery.offers) }
        return .object(entry)
    }
}
