import BusProtocol
import JSON
import MessageBus
import MessageStore

/// Marks on messages: see ``DeliveryMark``. They are worth nothing later, so they are told and forgotten.
extension RouterCore {
    /// Remembers what to show once the router's turn ends.
    mutating func noteMark(_ item: StoredDelivery, of id: SessionID, _ state: DeliveryState, reason: String?) {
        guard item.isPersons, settings.turns.showsProgress, let name = sourceNames[item.place.source],
            let mark = DeliveryMark(state, reason: reason, on: sources[name]?.hello?.abilities)
        else { return }
        notices.marks.append(NoticeBook.DueMark(item: item, session: id, mark: mark))
    }

    mutating func showMarks(_ now: Moment) {
        for due in notices.marks where mayReach(due.item.place) { show(due.mark, on: due.item, of: due.session, now) }
        notices.marks.removeAll()
    }

    private mutating func show(_ mark: DeliveryMark, on item: StoredDelivery, of id: SessionID, _ now: Moment) {
        if let emoji = mark.reaction {
            hint("react", ["id": .string(item.id), "emoji": .string(emoji)], to: item.place, now)
        }
        switch mark.isTyping {
        case true? where sessions[id]?.turn.hasHooks == true: beginTyping(in: item.place, for: id, now)
        case false?: endTyping(in: item.place, now)
        default: break
        }
    }

    private mutating func beginTyping(in place: Place, for id: SessionID, _ now: Moment) {
        guard notices.typing.count < NoticeBook.limit else { return }
        let isNew = notices.typing[place] == nil
        notices.typing[place] = NoticeBook.Typing(session: id, renewal: now.uptime + TurnSettings.typingRenewal)
        if isNew { hint("typing", ["on": true], to: place, now) }
    }

    mutating func endTyping(in place: Place, _ now: Moment) {
        guard notices.typing.removeValue(forKey: place) != nil else { return }
        hint("typing", ["on": false], to: place, now)
    }

    /// The turn that took the messages is over, or nobody knows any more.
    mutating func endTyping(of id: SessionID, _ now: Moment) {
        for (place, typing) in notices.typing where typing.session == id { endTyping(in: place, now) }
    }

    mutating func renewTyping(_ now: Moment) {
        for (place, typing) in notices.typing where typing.renewal <= now.uptime {
            notices.typing[place]?.renewal = now.uptime + TurnSettings.typingRenewal
            hint("typing", ["on": true], to: place, now)
        }
    }
}
