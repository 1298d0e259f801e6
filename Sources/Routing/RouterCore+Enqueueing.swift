import BusProtocol
import ChannelEvents
import JSON
import MessageBus
import MessageStore

/// Something that a tool wants done on a platform. It becomes one part of the outbox, in its conversation's lane, in
/// order with all else that is sent there.
struct OutboxCommand {
    /// A verb of COMMAND: `send`, `edit`, `react`, …
    var verb: String
    /// As `adapters/PROTOCOL.md` has them for the verb.
    var arguments: JSONValue
    var place: Place
    /// The platform's id of the message it answers.
    var replyTo: String?
    /// What it is for: the first word of the part's key, up to a colon, by which ``RouterCore/noteSettled(_:_:)`` finds
    /// whom its end concerns. The key is the call's id alone when nobody needs to know.
    var purpose: String?
    /// Said after the outcome: what this platform cannot do, and what was done instead.
    var remark = ""
    /// Only a session that was delivered the conversation may; `false` for words to the owner, whom nobody asked.
    var needsHearing = true
}

/// From a tool's call to the outbox, and from there the outcome back to the call.
extension RouterCore {
    /// What must be known before ``enqueue(_:for:session:from:knowing:_:)``: give it from ``callQuestion(_:from:)``.
    func enqueueQuestion(_ call: Call, purpose: String? = nil, at place: Place, session: SessionID) -> Question {
        let command = OutboxCommand(verb: "", arguments: [:], place: place, purpose: purpose)
        return .reply(part(of: command, call: call.id, session: session, created: 0))
    }

    /// Puts a command into the outbox and answers the call when it is known what became of it: with `status` `sent` (and
    /// `ids`), `queued` or `unknown`, or a failure `rejected` with the platform's reason; within
    /// ``confirmationWait`` in any case. The same call again is not carried out again: it gets the same answer.
    ///
    /// - Parameter fact: what ``enqueueQuestion(_:purpose:at:session:)`` brought.
    /// - Returns: the new part; `nil` when the call was answered already, because it may not be or is known.
    @discardableResult
    mutating func enqueue(
        _ command: OutboxCommand, for call: Call, session id: SessionID, from link: LinkID, knowing fact: Fact,
        _ now: Moment
    ) -> OutboxPart? {
        guard case .reply(let known, let hasHeard) = fact else { return nil }
        let caller = Outbox.Caller(
            link: link, id: call.id, until: now.uptime + Self.confirmationWait, remark: command.remark)
        guard known.isEmpty else {
            wait(caller, for: known, now)
            return nil
        }
        if let obstacle = obstacle(
            to: command.verb, at: command.place, session: id, hasHeard: hasHeard || !command.needsHearing)
        {
            fail(call.id, obstacle.code, obstacle.message, link)
            return nil
        }
        let part = outbox.add(part(of: command, call: call.id, session: id, created: now.wall))
        effects.changes.append(.newPart(part))
        _ = outbox.wait(caller, for: part.reply)
        counters.add("outbox.accepted")
        runLanes(now)
        return part
    }

    /// The same without a call that waits: what follows from an event or the time. ``noteSettled(_:_:)`` hears its end.
    ///
    /// - Parameter key: the same key is the same command: it is carried out once, restarts included.
    /// - Returns: the new part; `nil` when it may not be.
    @discardableResult
    mutating func enqueue(_ command: OutboxCommand, key: String, session id: SessionID, _ now: Moment) -> OutboxPart? {
        guard obstacle(to: command.verb, at: command.place, session: id, hasHeard: true) == nil else { return nil }
        let part = outbox.add(part(of: command, call: key, session: id, created: now.wall))
        effects.changes.append(.newPart(part))
        counters.add("outbox.accepted")
        runLanes(now)
        return part
    }

    private func part(of command: OutboxCommand, call: String, session: SessionID, created: Int64) -> OutboxPart {
        OutboxPart(
            key: command.purpose.map { "\($0):\(call)" } ?? call, session: session, source: command.place.source,
            chat: command.place.chat, thread: command.place.thread, replyTo: command.replyTo, verb: command.verb,
            arguments: command.arguments.bytes, digest: 0, created: created)
    }

    /// Why a session may not have something done in a conversation; `nil` when it may.
    func obstacle(
        to verb: String, at place: Place, session id: SessionID, hasHeard: Bool
    ) -> (code: ProtocolError.Code, message: String)? {
        guard let name = sourceNames[place.source] else {
            return (.notFound, "no such chat: take chat_id from the channel message you answer")
        }
        guard hasHeard || id == unassignedSession else {
            return (
                .notAllowed,
                "this session was never delivered a message of that chat: take a chat_id from a channel message"
            )
        }
        guard mayReach(place) else {
            return (
                .notAllowed,
                "nobody in that chat is let in now: `switchboard access list` shows the owner who is"
            )
        }
        if let verbs = sources[name]?.abilities?.verbs, !verbs.contains(verb) {
            return (.notAllowed, verb == "send" ? "\(name) cannot send messages" : "\(name) cannot \(verb)")
        }
        guard outbox.count < Outbox.limit else {
            return (.flood, "\(Outbox.limit) messages wait to be sent already: see 'switchboard status'")
        }
        return nil
    }

    /// A call for a reply that exists already: the one that was stored answers for both.
    mutating func wait(_ caller: Outbox.Caller, for known: [OutboxPart], _ now: Moment) {
        guard let reply = known.first?.reply else { return }
        let open = outbox.parts(of: reply)
        guard let next = open.first(where: { !$0.isSettled }) else { return tell(caller, known) }
        let isAway = sourceNames[next.source].flatMap { sources[$0]?.link } == nil
        if next.state == .queued, isAway || next.notBefore - now.wall > Self.confirmationWait {
            return tell(caller, open)
        }
        if let overdue = outbox.wait(caller, for: reply) { tell(overdue, open) }
    }

    /// Tells a caller how a reply stands.
    mutating func tell(_ caller: Outbox.Caller, _ parts: [OutboxPart]) {
        answer(caller.id, ReplyOutcome.of(parts).with(remark: caller.remark), to: caller.link)
    }
}

extension Answer.Outcome {
    /// The same with one more sentence for Claude.
    func with(remark: String) -> Self {
        guard !remark.isEmpty, case .success(.object(var members)) = self else { return self }
        let message = members["message"]?.stringValue ?? ""
        members["message"] = .string(message.isEmpty ? remark : "\(message); \(remark)")
        members["remark"] = .string(remark)
        return .success(.object(members))
    }
}
