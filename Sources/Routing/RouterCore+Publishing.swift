import AccessControl
import BusProtocol
import ChannelEvents
import JSON
import MessageBus
import MessageStore

/// PUBLISH: judge, admit, route. A refused sender's text never reaches the store.
extension RouterCore {
    func admissionQuestion(_ publish: Publish, from link: LinkID, _ now: Moment) -> Question? {
        guard case .adapter(let name) = peers[link]?.kind, let source = sources[name] else { return nil }
        // What one event of a batch changes for the next one counts already here.
        var book = access
        let verdicts = publish.events.map { event -> Judgement.Verdict in
            guard let head = event.head, head.invalidMember == nil else { return .faulty("malformed") }
            if event.body.count > BusLimits.payloadBytes { return .faulty("oversize") }
            guard let survey = EventBody.survey(event.body) else { return .faulty("malformed") }
            let decision = decide(
                head, from: name, source.id, text: { Self.text(of: event.body) }, with: book, now)
            if decision.isAllowed, head.authentication == .platform {
                book.note(head, Place(source: source.id, chat: head.chat, thread: head.thread), now)
            }
            let body = decision.isAllowed ? withContext(event.body, head, source: source.id) : nil
            return .storable(
                NewEvent(
                    source: source.id, head: head, body: body, rule: decision.rule.rawValue,
                    hasAttachments: survey.hasAttachments), decision)
        }
        return .admit(Judgement(verdicts: verdicts))
    }

    mutating func admit(
        _ publish: Publish, sequence: UInt64, from link: LinkID, knowing fact: Fact, _ now: Moment
    ) {
        guard case .adapter(let name) = peers[link]?.kind, let source = sources[name] else {
            return refuse(ProtocolError(.role, "PUBLISH is an adapter's to say"), command: "PUBLISH", from: link)
        }
        guard case .admitted(let judgement, let numbers) = fact else { return }
        var refused: [RefusedEvent] = []
        var fresh: Int64 = 0
        for (index, verdict) in judgement.verdicts.enumerated() {
            switch verdict {
            case .faulty(let fault):
                refused.append(RefusedEvent(sequence: sequence, index: index, code: fault))
                effects.changes.append(.deadLetter(source.id, reason: fault))
            case .storable(let event, let decision):
                if !decision.isAllowed {
                    refused.append(RefusedEvent(sequence: sequence, index: index, code: "not-allowed"))
                }
                guard let number = numbers[index] else { continue }
                fresh += 1
                if isTapWatched { tap("event", tapLine(event.head, name, decision)) }
                guard let body = event.body else {
                    turnAway(event.head, from: name, decision, now)
                    continue
                }
                noteLetIn(event.head, source.id, decision, now)
                let arrival = Arrival(
                    delivery: WaitingDelivery(
                        event: number, source: source.id, head: event.head, body: body, offers: 0), source: name)
                // A verdict never waits behind messages, and never reaches Claude as one.
                let speaker = judgement.speakers[index] ?? sessionAnswered(by: event.head, source: source.id)
                if takesAsVerdict(arrival, now) || takesAsCommand(arrival, answering: speaker, now) { continue }
                switch readAsAnswer(arrival, now) {
                case .late: continue
                case .answer(let answer, let session):
                    route(answer, answering: session, now)
                    continue
                case .other: break
                }
                if !settings.feeds.isEmpty, let feed = feed(of: arrival) {
                    report(arrival, feed, now)
                    if parks(arrival, feed, now) { continue }
                }
                if revises(arrival, judgement.originals[index], now) { continue }
                if awaitsFiles(arrival, hasAttachments: event.hasAttachments, answering: speaker, now) { continue }
                route(arrival, answering: speaker, now)
            }
        }
        if let cursor = publish.cursor {
            sources[name]?.cursor = cursor
            effects.changes.append(.cursor(source.id, cursor))
        }
        if !refused.isEmpty { due[link, default: []] += refused }
        let faulty = Int64(refused.count { $0.code != "not-allowed" })
        let duplicates = Int64(publish.events.count) - fresh - faulty
        sources[name]?.published += Int64(publish.events.count)
        sources[name]?.admitted += fresh
        sources[name]?.duplicates += duplicates
        sources[name]?.refused += Int64(refused.count)
        if fresh > 0 { sources[name]?.lastEvent = now.wall }
        counters.add("events.admitted", fresh)
        counters.add("events.duplicate", duplicates)
        counters.add("events.refused", Int64(refused.count))
    }

    /// What was admitted has a text that can be read.
    private static func text(of body: [UInt8]) -> String {
        do { return try EventBody(json: body).text } catch { return "" }
    }

    private func tapLine(_ head: EventHead, _ source: SourceName, _ decision: Decision) -> JSONValue {
        [
            "event_id": .string(EventKey(source: source, id: head.id).description),
            "conversation": .string(Conversation(source: source, chat: head.chat, thread: head.thread).description),
            "sender": .string(head.sender), "kind": .string(head.kind.rawValue), "allowed": .bool(decision.isAllowed),
            "rule": .string(decision.rule.rawValue),
        ]
    }

    /// Gives a fresh event to its session's queue, or to nobody's until one is found.
    mutating func route(_ arrival: Arrival, answering speaker: SessionID?, _ now: Moment) {
        let choice = choose(arrival, answering: speaker)
        switch choice {
        case .session(let id): give(arrival, to: id, gathered: gather(arrival, now), now)
        case .all(let ids):
            let gathered = gather(arrival, now)
            for id in ids { give(arrival, to: id, gathered: gathered, now) }
        case .hold: keep(arrival, for: heldSession)
        case .ask, .nobody:
            if choice == .ask { ask(arrival, now) } else { noteWaiting(arrival, for: unassignedSession, now) }
            keep(arrival, for: routes.asked.contains(arrival.place) ? heldSession : unassignedSession)
        }
    }

    /// Without a session. What its sender may not give to everyone is never for whoever happens to be the only session.
    private mutating func keep(_ arrival: Arrival, for nobody: SessionID) {
        let keeper = reach(of: arrival) == nil ? nobody : heldSession
        if keeper == unassignedSession { unassigned.add(arrival.delivery) }
        effects.changes.append(.delivery(keeper, arrival.delivery.event, .waiting, offers: 0))
    }

    private mutating func give(_ arrival: Arrival, to id: SessionID, gathered: String?, _ now: Moment) {
        guard let index = sessions.index(forKey: id) else { return }
        let delivery = arrival.delivery
        if gathered == nil, unassigned.isEmpty, sessions.values[index].takesDirectly {
            effects.changes.append(.delivery(id, delivery.event, .offered, offers: 1))
            if arrival.head.isFeed { gathering.noteWake(arrival.head, in: arrival.place, now: now.uptime) }
            if lastSession[arrival.place] != id { note(arrival.place, usedBy: id) }
            offer(delivery, to: id, at: index, arrival.place, now)
        } else if sessions.values[index].mayBeInterrupted, isUrgent(arrival) {
            effects.changes.append(.delivery(id, delivery.event, .offered, offers: 1))
            note(arrival.place, usedBy: id)
            offer(delivery, to: id, at: index, arrival.place, now)
        } else {
            let reason = sessions.values[index].isProved ? sessions.values[index].holds ?? gathered : nil
            sessions.values[index].mailbox.add(delivery)
            wait(arrival, for: id, held: reason)
            noteWaiting(arrival, for: id, now)
        }
    }
}
