import ChannelEvents
import MessageBus
import MessageStore

/// Telling senders that they wait: once per conversation and outage, and only where a person wrote.
extension RouterCore {
    /// A person's message waits for a session that is not there, or does not listen; for any, where it is nobody's.
    mutating func noteWaiting(_ arrival: Arrival, for id: SessionID, _ now: Moment) {
        guard arrival.head.isPersons, settings.turns.showsProgress else { return }
        let waiting = WaitingPlace(arrival.place, for: id)
        guard let session = sessions[id], session.isAttached else { return expectNotice(waiting, now) }
        switch session.holds {
        case "deaf": tellOutage(waiting, now)
        case "busy": expectLine(waiting, now)
        default: break
        }
    }

    private mutating func expectNotice(_ waiting: WaitingPlace, _ now: Moment) {
        guard !notices.given.contains(waiting), notices.due[waiting] == nil, notices.due.count < NoticeBook.limit else {
            return
        }
        notices.due[waiting] = now.uptime + TurnSettings.awayNotice
    }

    /// Nobody came meanwhile: the senders that were noted learn so.
    mutating func tellDue(_ now: Moment) {
        guard !notices.isEmpty else { return }
        for (waiting, due) in notices.due where due <= now.uptime {
            notices.due[waiting] = nil
            if isOut(waiting.session) { tellOutage(waiting, now) }
        }
        renewTyping(now)
        renewLines(now)
    }

    private func isOut(_ id: SessionID) -> Bool {
        guard id != unassignedSession else { return defaultSession == nil && choosable.isEmpty }
        guard let session = sessions[id] else { return true }
        return !session.isAttached || session.proof.deafness != nil
    }

    /// The session does not take what it is given: everyone whose message it has or who waits for it learns so once.
    mutating func tellDeaf(_ id: SessionID, _ now: Moment) {
        guard let session = sessions[id] else { return }
        var places = Set((session.inFlight + session.uncovered).filter(\.isPersons).map(\.place))
        for delivery in session.mailbox.inMemory where delivery.head.isPersons {
            places.insert(Place(source: delivery.source, chat: delivery.head.chat, thread: delivery.head.thread))
        }
        for place in places { tellOutage(WaitingPlace(place, for: id), now) }
    }

    private mutating func tellOutage(_ waiting: WaitingPlace, _ now: Moment) {
        guard !notices.given.contains(waiting), notices.given.count < NoticeBook.limit else { return }
        let text: String
        if let session = sessions[waiting.session] {
            let label = session.record.label
            text =
                session.isAttached
                ? "Your message is waiting: the session is not listening. It stays with \(label) and comes to it as soon "
                    + "as it listens again."
                : "Your message is waiting: \(label) is not running. It comes to it as soon as it is back."
        } else {
            text = "Your message is waiting: no Claude session is here. It is kept for the next one."
        }
        guard tell(text, to: waiting.place, now) else { return }
        notices.given.insert(waiting)
        effects.changes.append(.turn(.outageNotice(waiting)))
    }

    /// The session takes messages again: the next outage is a new one.
    mutating func endOutage(of id: SessionID) {
        for session in [id, unassignedSession] {
            guard notices.given.contains(where: { $0.session == session }) else { continue }
            notices.given = notices.given.filter { $0.session != session }
            effects.changes.append(.turn(.outageEnded(session)))
        }
    }

    /// Says something to whoever waits in a conversation, if it may still be spoken to.
    @discardableResult
    mutating func tell(
        _ text: String, to place: Place, answering message: String? = nil, edits: String? = nil,
        purpose: String = "waiting", _ now: Moment
    ) -> Bool {
        guard mayReach(place) else { return false }
        notices.said += 1
        return say(
            Notice(
                key: "\(purpose):\(epoch):\(now.wall):\(notices.said)", text: text, replyTo: message, edits: edits),
            to: place, now)
    }
}
