import AccessControl
import BusProtocol
import ChannelEvents
import JSON
import MessageBus
import MessageStore

/// Chat commands: `/status`, `/use api` and their like, answered by the router itself, also when no session is there.
extension RouterCore {
    /// Whether an event is a chat command, or answers the question which session is meant: it reaches no session then.
    /// - Parameter speaker: the session whose message it answers.
    mutating func takesAsCommand(_ arrival: Arrival, answering speaker: SessionID?, _ now: Moment) -> Bool {
        if let action = arrival.head.action { return takesAsChoice(action, arrival, now) }
        // Programs send text: what knew a secret and what is a bot gives no commands.
        guard arrival.head.kind == .message, arrival.head.authentication != .secret,
            !arrival.head.flags.contains(.bot)
        else { return false }
        if !routes.asked.isEmpty, let name = answersQuestion(arrival) {
            use(name, arrival, now)
            return true
        }
        let mentionsUs = arrival.head.flags.contains(.mention) && !arrival.head.flags.contains(.direct)
        guard mentionsUs || AddressedText.mayBegin(arrival.delivery.body, with: [UInt8(ascii: "/")]),
            let command = ChatCommand(arrival.text, mentionsUs: mentionsUs)
        else { return false }
        counters.add("commands")
        if isTapWatched { tap("command", ["event_id": .string(arrival.key.description)]) }
        carryOut(command, arrival, answering: speaker, now)
        return true
    }

    private mutating func carryOut(
        _ command: ChatCommand, _ arrival: Arrival, answering speaker: SessionID?, _ now: Moment
    ) {
        if let refusal = settings.managed?.refusal(ofChatCommand: command.name) {
            return answer(refusal, arrival, now)
        }
        switch command {
        case .help: answer(ChatCommand.overview, arrival, now)
        case .sessions: say(sessionList("Sessions:", arrival, key: "command"), to: arrival.place, now)
        case .use(let name): use(name, arrival, now)
        case .status: answer(statusText(for: arrival), arrival, now)
        case .whereAmI: answer(whereText(for: arrival, answering: speaker), arrival, now)
        case .inbox: lookIntoInbox(for: arrival)
        case .why: why(arrival, now)
        case .stop: stop(arrival, answering: speaker, now)
        case .start(let name):
            let what = name.map { "start \($0)" } ?? "start a session"
            answer(
                "I cannot \(what) from here yet: Switchboard does not keep sessions alive in this version. Start it on "
                    + "its machine; what you write waits for it. /sessions shows who is here.", arrival, now)
        }
    }

    mutating func answer(_ text: String, _ arrival: Arrival, _ now: Moment) {
        say(Notice(key: "command:\(arrival.delivery.event)", text: text), to: arrival.place, now)
    }

    private func isApprover(_ arrival: Arrival) -> Bool {
        policy.isApprover(Address(source: arrival.source, id: arrival.head.sender))
    }

    // MARK: Choosing

    /// A press on a session's button. It is forgeable, so it can do what `/use` can, and nothing else.
    private mutating func takesAsChoice(_ action: String, _ arrival: Arrival, _ now: Moment) -> Bool {
        guard action.hasPrefix("use:") else { return false }
        let words = action.dropFirst(4).split(separator: ":", maxSplits: 1)
        if words.count == 2 {
            use(String(words[0]), for: String(words[1]), arrival, now)
        } else {
            use(String(action.dropFirst(4)), arrival, now)
        }
        return true
    }

    /// The owner, or an approver, chooses for a conversation that cannot be asked itself.
    private mutating func use(_ name: String, for conversation: String, _ arrival: Arrival, _ now: Moment) {
        let isOwner = policy.owner.contains(Address(source: arrival.source, id: arrival.head.sender))
        guard isOwner || isApprover(arrival) else { return tell("That is for the owner to choose.", arrival, now) }
        guard let session = session(meantBy: name, arrival),
            let place = Conversation(conversation).flatMap({ self.place(of: $0) })
        else { return tell("No such session for you here.", arrival, now) }
        bind(place, to: session.record.id)
        tell("\(conversation) goes to \(session.record.label) now.", arrival, now)
    }

    /// In a group a choice moves everybody's messages: that is for approvers.
    func mayChoose(_ arrival: Arrival) -> Bool {
        arrival.head.authentication != .platform || arrival.head.flags.contains(.direct) || isApprover(arrival)
    }

    private mutating func use(_ name: String, _ arrival: Arrival, _ now: Moment) {
        if let refusal = settings.managed?.refusal(ofChatCommand: ChatCommand.use(name).name) {
            return tell(refusal, arrival, now)
        }
        guard mayChoose(arrival) else { return tell("In a group only an approver chooses the session.", arrival, now) }
        // The same for a session that is not there and for one he may not reach.
        guard let session = session(meantBy: name, arrival) else {
            return tell("No such session for you here. /sessions shows which there are.", arrival, now)
        }
        bind(arrival.place, to: session.record.id)
        let kept = session.isAttached ? "" : " It is away: your messages wait for it."
        tell("This conversation goes to \(session.record.label) now.\(kept)", arrival, now)
    }

    /// The answer to a choice: in place of the question where a button was pressed, else a message of its own.
    private mutating func tell(_ text: String, _ arrival: Arrival, _ now: Moment) {
        guard arrival.head.kind == .callback else { return answer(text, arrival, now) }
        hint("respond", ["id": .string(arrival.head.id), "text": .string(text)], to: arrival.place, now)
        if let question = arrival.head.replyTo, mayChoose(arrival),
            sources[arrival.source]?.hello?.abilities.verbs.contains("edit") ?? false
        {
            var notice = Notice(key: "command:\(arrival.delivery.event)", text: text)
            notice.edits = question
            say(notice, to: arrival.place, now)
        } else {
            answer(text, arrival, now)
        }
    }

    // MARK: Looking

    private mutating func whereText(for arrival: Arrival, answering speaker: SessionID?) -> String {
        switch choose(arrival, answering: speaker) {
        case .session(let id):
            let chosen = routes.bindings[arrival.place] == id ? ", as it was chosen" : ""
            return "This conversation goes to \(name(of: id))\(chosen)."
        case .all(let ids): return "This conversation goes to \(ids.map { name(of: $0) }.joined(separator: ", "))."
        case .hold: return "What is written here waits until a session is chosen with /use."
        case .ask: return "It is open which session this is for: /sessions shows which there are, /use NAME chooses."
        case .nobody: return "No session is here that could take it. What you write is kept."
        }
    }

    /// A session's label and how it stands.
    private func name(of id: SessionID) -> String {
        sessions[id].map { "\($0.record.label) (\($0.word))" } ?? "a session"
    }

    private func statusText(for arrival: Arrival) -> String {
        let reach = reach(of: arrival)
        let there = sessions.values.filter { $0.isAttached && reach?.contains($0.record.label) ?? true }
            .sorted { $0.record.id < $1.record.id }
        var lines = there.prefix(20).map { "\($0.record.label): \($0.word), \($0.mailbox.count) waiting" }
        if there.isEmpty { lines = ["No session is here. What you write is kept."] }
        if there.count > 20 { lines.append("and \(there.count - 20) more") }
        let troubled = sources.values.filter { $0.word != "up" }.sorted { $0.name.text < $1.name.text }
        // How other sources stand is nobody's business but the approvers'.
        if isApprover(arrival) {
            if !unassigned.isEmpty { lines.append("\(unassigned.count) waiting for a session to come") }
            lines += troubled.map { "\($0.name): \($0.word)\($0.health.reason.map { ", \($0)" } ?? "")" }
        }
        return lines.joined(separator: "\n")
    }

    // MARK: What the store knows

    private mutating func lookIntoInbox(for arrival: Arrival) {
        let reach = reach(of: arrival)
        let reachable = sessions.values.filter { reach?.contains($0.record.label) ?? true }.map(\.record.id).sorted()
        routes.want(
            .inbox(
                arrival.place, for: [unassignedSession, heldSession] + reachable,
                key: "command:\(arrival.delivery.event)"))
    }

    private mutating func why(_ arrival: Arrival, _ now: Moment) {
        guard isApprover(arrival) else { return answer("/why is for approvers.", arrival, now) }
        guard let message = arrival.head.replyTo else {
            return answer("Answer a message with /why: you learn what became of it.", arrival, now)
        }
        routes.want(.why(arrival.place, message: message, key: "command:\(arrival.delivery.event)"))
    }

    /// The store has answered.
    mutating func take(_ result: LookupResult, _ now: Moment) {
        switch result {
        case .count(unassignedSession, let count): unassigned.recount(count)
        case .count(let id, let count): sessions[id]?.mailbox.recount(count)
        case .inbox(let place, let shares, let key):
            say(Notice(key: key, text: inboxText(shares, now)), to: place, now)
        case .why(let place, let known, let key): say(Notice(key: key, text: whyText(known)), to: place, now)
        }
    }

    private func inboxText(_ shares: [WaitingShare], _ now: Moment) -> String {
        guard !shares.isEmpty else { return "Nothing waits here." }
        return shares.map { share in
            let age = max(0, now.wall - share.oldest) / 60_000
            let since = age < 1 ? "" : ", the oldest for \(age) min"
            switch share.session {
            case unassignedSession: return "\(share.count) waiting for a session to come\(since)"
            case heldSession: return "\(share.count) waiting until a session is chosen: /sessions\(since)"
            default: return "\(share.count) waiting for \(name(of: share.session))\(since)"
            }
        }.joined(separator: "\n")
    }

    private func whyText(_ known: KnownMessage?) -> String {
        switch known {
        case nil: return "I know nothing of that message here."
        case .spoken(let id): return "The session \(sessions[id]?.record.label ?? "") sent it."
        case .event(_, let rule, let deliveries): return Explanation(rule: rule, deliveries: deliveries).text
        }
    }

    // MARK: Stopping

    /// The session that this conversation goes to, or the one whose message is answered.
    private mutating func stop(_ arrival: Arrival, answering speaker: SessionID?, _ now: Moment) {
        guard isApprover(arrival) else { return answer("/stop is for approvers.", arrival, now) }
        guard case .session(let id) = choose(arrival, answering: speaker) else {
            return answer(
                "It is open which session that would be: nothing was stopped. /use NAME chooses one.", arrival, now)
        }
        answer(requestStop(of: id, by: arrival, now), arrival, now)
    }
}
