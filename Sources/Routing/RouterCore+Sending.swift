import BusProtocol
import ChannelEvents
import JSON
import MessageBus
import MessageStore

/// From the outbox to the adapters and back.
extension RouterCore {
    /// Tells adapters to send what may be sent; tells callers that waited long enough how things stand.
    public mutating func runLanes(_ now: Moment) {
        guard outbox.count > 0 || !outbox.waiting.isEmpty else { return }
        for part in outbox.takeReady(now: now.wall) {
            guard now.wall - part.created < Outbox.lifetime else {
                settle(part, .rejected(reason: "given up after a day: \(part.reason ?? "the platform was away")"), now)
                continue
            }
            guard let name = sourceNames[part.source], let source = sources[name], let link = source.link else {
                answerQueued(part, "\(sourceNames[part.source]?.text ?? "the source") is away", now)
                continue
            }
            var part = part
            part.state = .sending
            part.attempts += 1
            outbox.update(part)
            effects.changes.append(.part(part))
            command(part, to: link, again: false, now)
        }
        guard outbox.nextCaller.map({ $0 <= now.uptime }) ?? false else { return }
        for (id, caller) in outbox.takeExpired(now: now.uptime) {
            guard var part = outbox.parts[id] else { continue }
            part.reason = "the platform has not confirmed it yet"
            tell(caller, part)
        }
    }

    private mutating func command(_ part: OutboxPart, to link: LinkID, again: Bool, _ now: Moment) {
        var arguments: JSONValue
        do { arguments = try JSONValue(parsing: part.arguments) } catch {
            return settle(part, .rejected(reason: "what was stored of it cannot be read: \(error)"), now)
        }
        guard let position = links.nextPosition(to: link) else { return }
        let prefix = answerPrefix(of: part.session, in: part.place)
        if !prefix.isEmpty, part.verb == "send", case .object(var members) = arguments,
            let text = members["text"]?.stringValue
        {
            members["text"] = .string(prefix + text)
            arguments = .object(members)
        }
        let command = PlatformCommand(
            key: part.commandKey, verb: part.verb, chat: part.chat, thread: part.thread, replyTo: part.replyTo,
            again: again,
            arguments: arguments)
        effects.send(.numbered(position, .command(command)), to: link)
    }

    /// An adapter was welcomed: what was told to its source before is told again where that is safe, else unknown.
    mutating func settleSending(of source: SourceID, cameBack: Bool, isIdempotent: Bool, _ now: Moment) {
        guard let name = sourceNames[source], let link = sources[name]?.link else { return }
        outbox.stir(source: source)
        for part in outbox.sending(source: source) {
            if cameBack || isIdempotent {
                command(part, to: link, again: true, now)
            } else {
                settle(part, .unknown(reason: "the adapter ended while it was sending"), now)
            }
        }
    }

    /// RESULT.
    mutating func receive(_ result: CommandResult, from link: LinkID, _ now: Moment) {
        guard case .adapter(let name) = peers[link]?.kind, let source = sources[name] else {
            return refuse(ProtocolError(.role, "RESULT is an adapter's to say"), command: "RESULT", from: link)
        }
        // Only a part that this source was told to send; a result that comes twice finds none.
        guard let part = outbox.sending(result.key, source: source.id) else { return }
        settle(part, result.outcome, now)
    }

    /// Notes how a send ended, and answers whoever asked for it.
    private mutating func settle(_ part: OutboxPart, _ outcome: SendOutcome, _ now: Moment) {
        var part = part
        switch outcome {
        case .sent(let ids):
            part.state = .sent
            part.ids = ids
            if part.session != unassignedSession, !ids.isEmpty {
                effects.changes.append(.route(.spoken(part.session, part.place, ids: ids)))
            }
            part.reason = nil
        case .rejected(let reason):
            part.state = .rejected
            part.reason = reason
        case .unknown(let reason):
            part.state = .unknown
            part.reason = reason
        case .retry(let after, let reason):
            part.state = .queued
            part.reason = reason
            part.notBefore = now.wall + min(max(after, 100), 3_600_000)
        }
        outbox.update(part)
        effects.changes.append(.part(part))
        counters.add("outbox.\(part.state == .queued ? "retried" : part.state.word)")
        if isTapWatched {
            tap(
                "outbox",
                ["key": .string(part.key), "state": .string(part.state.word), "attempts": .integer(part.attempts)])
        }
        if part.state == .queued {
            answerQueued(part, part.reason ?? "", now)
        } else {
            for caller in outbox.takeCallers(of: part.id) { tell(caller, part) }
            noteSettled(part, now)
        }
    }

    private mutating func answerQueued(_ part: OutboxPart, _ why: String, _ now: Moment) {
        var part = part
        part.reason = why
        for caller in outbox.takeCallers(of: part.id) { tell(caller, part) }
    }

    /// What a reply's caller is told: how certain it is, and what will happen.
    static func outcome(of part: OutboxPart) -> Answer.Outcome {
        let reason = part.reason ?? ""
        switch part.state {
        case .sent:
            return .success(["status": "sent", "ids": .array(part.ids.map(JSONValue.string)), "message": "sent"])
        case .queued, .sending:
            let message =
                "queued: \(reason.isEmpty ? "it goes out in its turn" : reason). Switchboard keeps it for a day; do not send it again."
            return .success(["status": "queued", "ids": [], "message": .string(message)])
        case .unknown:
            let message = "unknown: it may have been sent or not (\(reason)). It is not sent again by itself."
            return .success(["status": "unknown", "ids": [], "message": .string(message)])
        case .rejected: return .failure(code: "rejected", message: "not sent: \(reason)")
        }
    }

    mutating func answer(_ id: String, _ outcome: Answer.Outcome, to link: LinkID) {
        guard let epoch = links.accepted(from: link)?.epoch else { return }
        effects.send(.answer(Answer(epoch: epoch, id: id, outcome: outcome)), to: link)
    }
}
