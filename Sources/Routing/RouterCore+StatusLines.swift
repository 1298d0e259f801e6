import BusProtocol
import ChannelEvents
import MessageBus
import MessageStore

/// The one silent line that says in a conversation how long its session is busy and with what: edited, not repeated.
extension RouterCore {
    /// A person's message is held by a session at work.
    mutating func expectLine(_ waiting: WaitingPlace, _ now: Moment) {
        if let line = notices.lines[waiting] {
            // The one that is there goes on.
            if line.due == .max || line.isOver {
                notices.lines[waiting]?.isOver = false
                notices.lines[waiting]?.due = now.uptime + TurnSettings.lineAfter
            }
            return
        }
        guard notices.lines.count < NoticeBook.limit else { return }
        notices.lines[waiting] = NoticeBook.Line(due: now.uptime + TurnSettings.lineAfter, since: now.uptime)
    }

    mutating func renewLines(_ now: Moment) {
        for (waiting, line) in notices.lines where line.due <= now.uptime { renew(waiting, line, now) }
    }

    private mutating func renew(_ waiting: WaitingPlace, _ line: NoticeBook.Line, _ now: Moment) {
        guard let session = sessions[waiting.session], session.turn.isWorking else {
            // It ends with what becomes of the message; meanwhile nothing true can be said.
            notices.lines[waiting]?.due = .max
            return
        }
        notices.lines[waiting]?.due = now.uptime + TurnSettings.lineRenewal
        let text = lineText(of: session, waiting.place, now)
        guard text != line.text, !line.isOnItsWay else { return }
        if line.message == nil {
            guard tell(text, to: waiting.place, purpose: "line", now) else { return }
            notices.lines[waiting]?.isOnItsWay = true
        } else if canEdit(waiting.place) {
            tell(text, to: waiting.place, edits: line.message, now)
        } else {
            notices.lines[waiting]?.due = .max
            return
        }
        notices.lines[waiting]?.text = text
    }

    private func canEdit(_ place: Place) -> Bool {
        sourceNames[place.source].flatMap { sources[$0] }?.hello?.abilities.verbs.contains("edit") ?? false
    }

    private func lineText(of session: Session, _ place: Place, _ now: Moment) -> String {
        let minutes = max(0, now.uptime - session.turn.began) / 60_000
        var text = session.record.label + " busy" + (minutes > 0 ? " \(minutes) min" : "")
        if let tool = session.turn.tools.values.min(by: { $0.since < $1.since }) {
            text += ": \(tool.summary ?? tool.name)"
        }
        var before: Set<Place> = []
        for delivery in session.mailbox.inMemory {
            let other = Place(source: delivery.source, chat: delivery.head.chat, thread: delivery.head.thread)
            if other == place { break }
            before.insert(other)
        }
        switch before.count {
        case 0: return text + "; you are next"
        case 1: return text + "; one conversation is before you"
        case let count: return text + "; \(count) conversations are before you"
        }
    }

    /// What waited in a conversation was given to its session.
    mutating func endLine(_ place: Place, of id: SessionID, _ now: Moment) {
        let waiting = WaitingPlace(place, for: id)
        notices.due[waiting] = nil
        guard let line = notices.lines[waiting] else { return }
        if line.isOnItsWay {
            notices.lines[waiting]?.isOver = true
            notices.lines[waiting]?.due = .max
            return
        }
        notices.lines[waiting] = nil
        guard let message = line.message else { return }
        finish(message, of: waiting, since: line.since, now)
    }

    private mutating func finish(_ message: String, of waiting: WaitingPlace, since: Int64, _ now: Moment) {
        effects.changes.append(.turn(.line(waiting, nil)))
        guard canEdit(waiting.place), let label = sessions[waiting.session]?.record.label else { return }
        let minutes = since > 0 ? (now.uptime - since) / 60_000 : 0
        tell(
            "\(label) took it up" + (minutes > 0 ? " after \(minutes) min." : "."), to: waiting.place, edits: message,
            now)
    }

    /// A line was sent, or cannot be.
    mutating func lineSettled(_ part: OutboxPart, _ now: Moment) {
        guard let waiting = notices.lines.first(where: { $0.key.place == part.place && $0.value.isOnItsWay })?.key,
            let line = notices.lines[waiting]
        else { return }
        notices.lines[waiting]?.isOnItsWay = false
        guard let message = part.ids.first else {
            notices.lines[waiting]?.due = .max
            return
        }
        guard !line.isOver else {
            notices.lines[waiting] = nil
            return finish(message, of: waiting, since: line.since, now)
        }
        notices.lines[waiting]?.message = message
        effects.changes.append(.turn(.line(waiting, message)))
    }
}
