import AccessControl
import BusProtocol
import ChannelEvents
import JSON
import MessageBus
import MessageStore

/// Chat commands: `/status`, `/use api` and their like, answered by the router itself.
extension RouterCore {
    /// Whether an event is a chat command: it was answered then and reaches no session.
    mutating func takesAsCommand(_ arrival: Arrival, _ now: Moment) -> Bool {
        if let action = arrival.head.action {
            guard action.hasPrefix("use:") else { return false }
            guard settings.managed?.refusal(ofChatCommand: "/use") == nil else { return true }
            use(String(action.dropFirst(4)), arrival, now)
            return true
        }
        // Programs send text: what knew a secret and what is a bot gives no commands.
        guard arrival.head.kind == .message, arrival.head.authentication != .secret,
            !arrival.head.flags.contains(.bot),
            AddressedText.mayBegin(arrival.delivery.body, with: [UInt8(ascii: "/")]),
            let command = ChatCommand(arrival.text)
        else { return false }
        counters.add("commands")
        if let refusal = settings.managed?.refusal(ofChatCommand: arrival.text) {
            answer(refusal, arrival, now)
            return true
        }
        switch command {
        case .help: answer(ChatCommand.overview, arrival, now)
        case .sessions: say(sessionList("Sessions:", arrival, key: "command"), to: arrival.place, now)
        case .use(let name): use(name, arrival, now)
        case .status: answer(statusText(for: arrival), arrival, now)
        case .whereAmI: answer(whereText(for: arrival), arrival, now)
        case .inbox: answer(inboxText(for: arrival), arrival, now)
        case .why: answer("/why is not available yet.", arrival, now)
        case .stop: answer("/stop is not available yet: nothing was stopped.", arrival, now)
        case .start, .new:
            answer("Not available yet: start the session on its machine, then choose it with /use.", arrival, now)
        }
        return true
    }

    private mutating func answer(_ text: String, _ arrival: Arrival, _ now: Moment) {
        say(Notice(key: "command:\(arrival.delivery.event)", text: text), to: arrival.place, now)
    }

    /// A name before a number: a session may be called `2`.
    private mutating func use(_ name: String, _ arrival: Arrival, _ now: Moment) {
        // In a group it moves everybody's messages.
        guard
            arrival.head.authentication != .platform || arrival.head.flags.contains(.direct)
                || policy.isApprover(Address(source: arrival.source, id: arrival.head.sender))
        else { return answer("In a group only an approver chooses the session.", arrival, now) }
        let reach = reach(of: arrival)
        guard let id = labels[name] ?? SessionID(name), let session = sessions[id],
            reach?.contains(session.record.label) ?? true
        else {
            // The same for a session that is not there and for one he may not reach.
            return answer("No such session for you here. /sessions shows which there are.", arrival, now)
        }
        bind(arrival.place, to: id)
        let label = session.record.label
        let kept = session.isAttached ? "" : " It is away: your messages wait for it."
        answer("This conversation goes to \(label) now.\(kept)", arrival, now)
        if isTapWatched {
            tap("route", ["conversation": .string(arrival.conversation.description), "session": .string(label)])
        }
    }

    /// The session that the next message of a conversation goes to, if its sender may reach that.
    private func presentSession(for arrival: Arrival) -> Session? {
        let reach = reach(of: arrival)
        let rule = settings.routes.first { $0.matches(arrival.head, from: arrival.source) }
        let candidates = [
            routes.bindings[arrival.place], rule.flatMap { labels[$0.label] }, lastSession[arrival.place],
            defaultSession,
        ]
        return candidates.lazy.compactMap { $0.flatMap { sessions[$0] } }
            .first { reach?.contains($0.record.label) ?? true }
    }

    private func whereText(for arrival: Arrival) -> String {
        guard let session = presentSession(for: arrival) else {
            return "This conversation goes to no session yet. /sessions shows which there are."
        }
        return "This conversation goes to \(session.record.label) (\(session.word))."
    }

    private func inboxText(for arrival: Arrival) -> String {
        guard let session = presentSession(for: arrival) else { return whereText(for: arrival) }
        return "\(session.mailbox.count) waiting for \(session.record.label) (\(session.word))."
    }

    private func statusText(for arrival: Arrival) -> String {
        let reach = reach(of: arrival)
        let shown = sessions.values.filter { $0.isAttached && reach?.contains($0.record.label) ?? true }
            .sorted { $0.record.id < $1.record.id }.prefix(20)
        guard !shown.isEmpty else { return "No session is here. What you write is kept." }
        return shown.map { "\($0.record.label): \($0.word), \($0.mailbox.count) waiting" }.joined(separator: "\n")
    }
}
