import BusProtocol
import JSON
import MessageBus
import MessageStore

/// What was given up: shown, tried again or dropped by a person.
extension RouterCore {
    static let letterQueries = ["deadletters.list", "deadletters.retry", "deadletters.drop"]

    /// Dead letters that one command takes.
    private static let letterLimit = 1_000

    /// What must be known before dead letters can be retried or dropped; `nil` when the arguments name none.
    func letterQuestion(_ query: Call) -> Question? {
        guard query.name == "deadletters.retry" || query.name == "deadletters.drop" else { return nil }
        if query.arguments["all"]?.boolValue == true { return .letters(nil, limit: Self.letterLimit) }
        let ids = (query.arguments["ids"]?.arrayValue ?? []).prefix(Self.letterLimit)
            .compactMap { $0.stringValue.flatMap(LetterID.init) }
        return ids.isEmpty ? nil : .letters(ids, limit: Self.letterLimit)
    }

    mutating func letterQuery(_ query: Call, from link: LinkID, knowing fact: Fact, _ now: Moment) {
        guard query.name != "deadletters.list" else {
            return read(
                .deadLetters(limit: Self.limit(query.arguments, standard: 50, most: Self.letterLimit)), query.id, link)
        }
        guard case .letters(let letters) = fact else {
            return fail(
                query.id, .malformed, "name dead letters as `switchboard deadletters list` shows them, or all", link)
        }
        let count: Int
        if query.name == "deadletters.drop" {
            count = drop(letters, now)
        } else {
            guard letters.events.isEmpty else {
                return fail(
                    query.id, .malformed,
                    "an event that could not be read is not kept, only that it came: it can be dropped alone", link)
            }
            count = retry(letters, now)
        }
        guard count > 0 else { return fail(query.id, .notFound, "there are no such dead letters", link) }
        answer(
            query.id,
            .success([query.name == "deadletters.drop" ? "dropped" : "retried": .integer(Int64(count))]), to: link)
    }

    /// Replies go to the end of their lanes, deliveries back into their session's queue.
    private mutating func retry(_ letters: StoredLetters, _ now: Moment) -> Int {
        var count = 0
        for parts in letters.replies where outbox.count + parts.count <= Outbox.limit {
            let again = parts.filter { $0.state == .rejected || $0.state == .unknown }.map { part in
                var part = part
                part.state = .queued
                part.reason = nil
                part.notBefore = 0
                part.created = now.wall
                return part
            }
            outbox.addAgain(
                again, settled: parts.filter(\.isSettled).filter { part in !again.contains { $0.id == part.id } })
            effects.changes += again.map(StoreChange.part)
            count += 1
        }
        // A message whose text is no longer kept says nothing any more.
        for (id, delivery) in letters.deliveries where sessions[id] != nil && !delivery.body.isEmpty {
            effects.changes.append(.transition(id, delivery.event, .waiting, offers: delivery.offers, reason: nil))
            sessions[id]?.mailbox.rewind(to: delivery.event, adding: 1)
            count += 1
        }
        counters.add("deadletters.retried", Int64(count))
        runLanes(now)
        return count
    }

    private mutating func drop(_ letters: StoredLetters, _ now: Moment) -> Int {
        for part in letters.replies.joined() where part.state == .rejected || part.state == .unknown {
            var part = part
            part.state = .dropped
            effects.changes.append(.part(part))
        }
        for (id, delivery) in letters.deliveries {
            effects.changes.append(
                .transition(id, delivery.event, .done, offers: delivery.offers, reason: "dropped by a person"))
        }
        if !letters.events.isEmpty { effects.changes.append(.outbox(.dropEvents(letters.events))) }
        let count = letters.replies.count + letters.deliveries.count + letters.events.count
        counters.add("deadletters.dropped", Int64(count))
        return count
    }
}
