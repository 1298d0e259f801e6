import AccessControl
import BusProtocol
import ChannelEvents
import FormattedText
import JSON
import MessageBus
import MessageStore

/// `pass` and `notify`: an end without an answer, and a word that nobody asked for.
extension RouterCore {
    /// Seen, and needs no answer.
    mutating func pass(_ call: Call, session id: SessionID, from link: LinkID, _ now: Moment) {
        let event = call.arguments["event_id"]?.stringValue.flatMap(EventKey.init)
        let place = place(of: call)
        guard event != nil || place != nil else {
            return fail(call.id, .notFound, "pass needs event_id or chat_id, copied from the channel tag", link)
        }
        let source = event.flatMap { sources[$0.source]?.id }
        // Who names an event has read it, also when the receipt for it is still on its way.
        if let event {
            let named = (sessions[id]?.inFlight ?? []).filter { $0.id == event.id && $0.place.source == source }
            if !named.isEmpty { noteWritten(named.map(\.event), by: id, now) }
        }
        var passed: Set<EventSequence> = []
        cover(id, state: .passed) { delivery in
            let fits =
                event.map { delivery.id == $0.id && delivery.place.source == source } ?? (delivery.place == place)
            if fits { passed.insert(delivery.event) }
            return fits
        }
        answer(
            call.id,
            .success([
                "status": "passed", "count": .integer(Int64(passed.count)),
                "message": passed.isEmpty ? "nothing was open there" : "passed",
            ]), to: link)
    }

    /// Where the owner is met: the first of his addresses whose adapter is here, else the first that is known.
    var ownerPlace: Place? {
        let places = policy.owner.compactMap { directPlace(of: $0) }.filter { mayReach($0) }
        let present = places.first { place in
            sourceNames[place.source].flatMap { sources[$0] }.map { $0.link != nil && $0.health.state == .up } ?? false
        }
        return present ?? places.first
    }

    func notifyQuestion(_ call: Call, session id: SessionID) -> Question? {
        ownerPlace.map { enqueueQuestion(call, purpose: "notify", at: $0, session: id) }
    }

    mutating func notify(_ call: Call, session id: SessionID, from link: LinkID, knowing fact: Fact, _ now: Moment) {
        guard let place = ownerPlace, let name = sourceNames[place.source] else {
            let why =
                policy.owner.isEmpty
                ? "No owner is configured: a person of `people` in switchboard.yaml needs owner: true and addresses."
                : "None of the owner's addresses has a conversation yet: the owner writes to the bot once."
            return fail(call.id, .notFound, why, link)
        }
        let text = call.arguments["text"]?.stringValue ?? ""
        let label = sessions[id]?.record.label ?? ""
        let messages = messages(
            rendered(markdown: text, for: place.source).prefixed(by: label.isEmpty ? "" : "\(label): "),
            for: place.source)
        guard messages.count == 1, let whole = messages.first else {
            return fail(call.id, .oversize, "a notice is one message: shorten it", link)
        }
        enqueue(
            OutboxCommand(
                verb: "send", arguments: .object(whole.arguments), place: place, purpose: "notify",
                remark: "to the owner, by \(name)", needsHearing: false), for: call, session: id, from: link,
            knowing: fact, now)
    }
}
