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
        if outbox.nextOverdue.map({ $0 <= now.uptime }) ?? false {
            for part in outbox.takeOverdue(now: now.uptime) {
                settle(part, .unknown(reason: "the adapter did not say in time what became of it"), now)
            }
        }
        for part in outbox.takeReady(now: now.wall) {
            guard now.wall - part.created < Outbox.lifetime else {
                settle(part, .rejected(reason: "given up after a day: \(part.reason ?? "the platform was away")"), now)
                continue
            }
            guard let name = sourceNames[part.source], let source = sources[name], let link = source.link else {
                let why = "\(sourceNames[part.source]?.text ?? "the source") is away"
                let parts = outbox.parts(of: part.reply).waiting(because: why)
                for caller in outbox.takeCallers(of: part.reply) { tell(caller, parts) }
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
        for (reply, caller) in outbox.takeExpired(now: now.uptime) {
            tell(caller, outbox.parts(of: reply).waiting(because: "the platform has not confirmed it yet"))
        }
    }

    private mutating func command(_ part: OutboxPart, to link: LinkID, again: Bool, _ now: Moment) {
        let arguments: JSONValue
        do { arguments = try JSONValue(parsing: part.arguments) } catch {
            return settle(part, .rejected(reason: "what was stored of it cannot be read: \(error)"), now)
        }
        guard let position = links.nextPosition(to: link) else { return }
        let command = PlatformCommand(
            key: part.commandKey, verb: part.verb, chat: part.chat, thread: part.thread, replyTo: part.replyTo,
            again: again, attempt: part.attempts, arguments: arguments)
        outbox.noteTold(part, at: now.uptime)
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

    /// Notes how a try ended, and answers whoever asked for it.
    private mutating func settle(_ tried: OutboxPart, _ outcome: SendOutcome, _ now: Moment) {
        var part = tried
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
        case .retry(let after, let reason): putOff(&part, after: after, reason, now)
        }
        var whole = outbox.parts(of: part.reply)
        for index in whole.indices {
            if whole[index].id == part.id {
                whole[index] = part
            } else if part.state == .rejected, whole[index].state == .queued {
                // Not a torso with a hole in it: what comes after is not sent either.
                whole[index].state = .rejected
                whole[index].reason = "message \(part.ordinal) of \(part.total) was refused"
            } else {
                continue
            }
            note(whole[index])
        }
        if part.state == .queued {
            // Who can wait until the next try learns what becomes of that.
            let callers = outbox.takeCallers(
                of: part.reply, within: now.uptime + max(0, part.notBefore - now.wall))
            for caller in callers { tell(caller, whole) }
        } else if whole.allSatisfy(\.isSettled) {
            for caller in outbox.takeCallers(of: part.reply) { tell(caller, whole) }
            sayTorso(whole, now)
            noteSettled(whole, now)
        }
    }

    private mutating func note(_ part: OutboxPart) {
        outbox.update(part)
        effects.changes.append(.part(part))
        counters.add("outbox.\(part.state == .queued ? "retried" : part.state.word)")
        guard isTapWatched else { return }
        tap(
            "outbox",
            ["key": .string(part.key), "state": .string(part.state.word), "attempts": .integer(part.attempts)])
    }

    /// The platform takes a part later, or never: a working one that put it off too often holds the lane up.
    private mutating func putOff(_ part: inout OutboxPart, after: Int64, _ reason: String, _ now: Moment) {
        part.state = .queued
        part.reason = reason
        let pause = Self.firstPause << min(max(part.attempts - 1, 0), 10)
        part.notBefore = now.wall + min(max(after, min(pause, Self.longestPause)), Self.longestDelay)
        // In an outage it is not the part's fault.
        guard sourceNames[part.source].flatMap({ sources[$0]?.health.state }) == .up, outbox.notePutOff(part) else {
            return
        }
        part.state = .rejected
        part.reason = "given up after \(part.attempts) tries: \(reason)"
    }

    /// At least so long until the next try, doubled with each, in milliseconds.
    private static let firstPause: Int64 = 100
    private static let longestPause: Int64 = 60_000
    /// However long a platform asks for.
    private static let longestDelay: Int64 = 3_600_000

    /// Whoever reads the beginning of an answer is told that its end does not come.
    private mutating func sayTorso(_ whole: [OutboxPart], _ now: Moment) {
        guard whole.first?.asked != nil, let refused = whole.first(where: { $0.state == .rejected }),
            refused.ordinal > 1
        else { return }
        let text = "The rest of this answer could not be sent."
        say(Notice(key: "torso:\(refused.reply):\(now.wall)", text: text, isSilent: false), to: refused.place, now)
    }

    mutating func answer(_ id: String, _ outcome: Answer.Outcome, to link: LinkID) {
        guard let epoch = links.accepted(from: link)?.epoch else { return }
        effects.send(.answer(Answer(epoch: epoch, id: id, outcome: outcome)), to: link)
    }
}

extension [OutboxPart] {
    /// The same, and why those that wait do.
    func waiting(because reason: String) -> [OutboxPart] {
        map { part in
            guard !part.isSettled else { return part }
            var part = part
            part.reason = reason
            return part
        }
    }
}
