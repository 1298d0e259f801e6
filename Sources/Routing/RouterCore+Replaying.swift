import BusProtocol
import ChannelEvents
import JSON
import MessageBus
import MessageStore

/// `replay`: what was delivered is delivered again, marked as that, to the session that its conversation goes to now.
extension RouterCore {
    /// Events that one command takes.
    private static let replayLimit = 100

    /// `nil` when the arguments name nothing that there is.
    func replayQuestion(_ query: Call) -> Question? {
        if let event = query.arguments["event"]?.stringValue.flatMap(EventKey.init) {
            return sources[event.source].map { .replay(.event($0.id, id: event.id)) }
        }
        guard let conversation = query.arguments["conversation"]?.stringValue.flatMap(Conversation.init),
            let place = place(of: conversation)
        else { return nil }
        let limit = Self.limit(query.arguments, standard: 20, most: Self.replayLimit)
        return .replay(
            .conversation(place, since: query.arguments["since_ms"]?.integerValue ?? 0, limit: limit))
    }

    mutating func replay(_ query: Call, from link: LinkID, knowing fact: Fact, _ now: Moment) {
        guard case .replay(let replays) = fact, !replays.isEmpty else {
            return fail(
                query.id, .notFound, "there is no such event: `switchboard history` shows their ids, source:id", link)
        }
        var outcomes: [JSONValue] = []
        var count: Int64 = 0
        for replay in replays {
            guard let name = sourceNames[replay.delivery.source] else { continue }
            let arrival = Arrival(delivery: replay.delivery, source: name)
            let outcome = deliverAgain(arrival, replay)
            if case .success = outcome { count += 1 }
            outcomes.append(Self.json(of: outcome, arrival.key))
        }
        counters.add("events.replayed", count)
        if count == 0, replays.count == 1, let message = outcomes.first?["message"]?.stringValue {
            return fail(query.id, .unavailable, message, link)
        }
        answer(query.id, .success(["replayed": .integer(count), "events": .array(outcomes)]), to: link)
    }

    private struct NotReplayed: Error {
        let message: String
    }

    /// - Returns: the label of the session that gets it.
    private mutating func deliverAgain(_ arrival: Arrival, _ replay: StoredReplay) -> Result<String, NotReplayed> {
        guard replay.isKept else {
            return .failure(NotReplayed(message: "its text is not kept: it was refused, or it is too long ago"))
        }
        guard !replay.deliveries.isEmpty else {
            return .failure(NotReplayed(message: "it was not for a session: the router answered it itself"))
        }
        let ids: [SessionID] =
            switch choose(arrival, answering: nil) {
            case .session(let id): [id]
            case .all(let several): several
            case .nobody, .ask, .hold: []
            }
        let outcomes = ids.map { deliverAgain(arrival, replay, to: $0) }
        let labels = outcomes.compactMap { outcome -> String? in
            guard case .success(let label) = outcome else { return nil }
            return label
        }
        guard labels.isEmpty else { return .success(labels.joined(separator: ", ")) }
        return outcomes.first
            ?? .failure(
                NotReplayed(message: "its conversation goes to no session now: attach one, or choose with /use"))
    }

    private mutating func deliverAgain(
        _ arrival: Arrival, _ replay: StoredReplay, to id: SessionID
    ) -> Result<String, NotReplayed> {
        let event = arrival.delivery.event
        let label = sessions[id]?.record.label ?? ""
        if let known = replay.deliveries[id] {
            guard known.state != .waiting, known.state != .offered else {
                return .failure(NotReplayed(message: "it waits for \(label) already"))
            }
            // A send that was: so this one is marked.
            effects.changes.append(
                .transition(id, event, .waiting, offers: max(known.offers, 1), reason: "replayed by a person"))
        } else {
            guard replay.deliveries.values.allSatisfy({ $0.state != .waiting }) else {
                return .failure(NotReplayed(message: "it waits to be delivered already"))
            }
            effects.changes.append(.delivery(id, event, .waiting, offers: 1))
        }
        sessions[id]?.mailbox.rewind(to: event, adding: 1)
        if isTapWatched {
            tap(
                "delivery",
                [
                    "event_id": .string(arrival.key.description), "session": .string(label),
                    "state": .string(DeliveryState.waiting.word), "reason": "replayed",
                ])
        }
        return .success(label)
    }

    private static func json(of outcome: Result<String, NotReplayed>, _ event: EventKey) -> JSONValue {
        switch outcome {
        case .success(let label): ["event_id": .string(event.description), "session": .string(label)]
        case .failure(let error): ["event_id": .string(event.description), "message": .string(error.message)]
        }
    }
}
