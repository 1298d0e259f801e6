import AccessControl
import ChannelEvents
import JSON
import MessageStore

/// What a person chose for a conversation, and who speaks in it.
extension RouterCore {
    /// From now on a conversation is this session's, with all that waits there and was not delivered.
    mutating func bind(_ place: Place, to id: SessionID) {
        var previous = Set(
            [routes.bindings[place], lastSession[place], unassignedSession, heldSession].compactMap(\.self))
        previous.formUnion(routedSessions(place))
        // What others wrote there and this session may not be given stays where it waits.
        var senders = SenderSelection.everybody(but: [])
        if let name = sourceNames[place.source], let label = sessions[id]?.record.label {
            senders = policy.senders(
                for: label, in: Conversation(source: name, chat: place.chat, thread: place.thread))
        }
        routes.bindings[place] = id
        effects.changes.append(.route(.binding(place, id)))
        if routes.asked.remove(place) != nil { effects.changes.append(.route(.asked(place, false))) }
        for old in previous.sorted() where old != id { handOver(place, from: old, to: id, of: senders) }
        noteRoute(place)
    }

    /// The configured routes and what was used last choose again.
    mutating func unbind(_ place: Place) {
        guard routes.bindings.removeValue(forKey: place) != nil else { return }
        effects.changes.append(.route(.binding(place, nil)))
        noteRoute(place)
    }

    /// In one transaction with what led to it; the order is the events' own.
    mutating func handOver(
        _ place: Place, from old: SessionID, to new: SessionID, of senders: SenderSelection = .everybody(but: [])
    ) {
        effects.changes.append(.route(.handOver(place, from: old, to: new, of: senders)))
        for id in [old, new] {
            switch id {
            case unassignedSession: unassigned.reread()
            case heldSession: continue
            default: sessions[id]?.mailbox.reread()
            }
            routes.want(.count(id))
        }
    }

    /// The sessions that a configured route alone gives a conversation's events to.
    private func routedSessions(_ place: Place) -> [SessionID] {
        guard let name = sourceNames[place.source] else { return [] }
        return settings.routes.flatMap { rule -> [SessionID] in
            switch rule.target {
            case .session, .firstIdle:
                guard rule.covers(place, of: name) else { return [] }
                return (rule.target?.labels ?? []).compactMap { session(called: $0) }
            case .all, .hold, nil: return []
            }
        }
    }

    private mutating func noteRoute(_ place: Place) {
        guard isTapWatched, let name = sourceNames[place.source] else { return }
        let conversation = Conversation(source: name, chat: place.chat, thread: place.thread)
        let label = routes.bindings[place].flatMap { sessions[$0]?.record.label } ?? ""
        tap("route", ["conversation": .string(conversation.description), "session": .string(label)])
    }

    /// The session of this label, as a person types it.
    func session(called label: some StringProtocol) -> SessionID? { labels[SessionLabel.folded(label)] }

    // MARK: Who speaks

    /// A session answers in a conversation: the second one to do so makes labels necessary.
    mutating func noteSpeaker(_ id: SessionID, in place: Place) {
        guard id != unassignedSession, routes.speakers[place, default: []].insert(id).inserted else { return }
        effects.changes.append(.route(.speaker(id, place)))
    }

    /// What an answer begins with where more than one session speaks, else nothing.
    func answerPrefix(of id: SessionID, in place: Place) -> String {
        guard let speakers = routes.speakers[place], !speakers.subtracting([id]).isEmpty,
            let label = sessions[id]?.record.label
        else { return "" }
        return "\(label): "
    }
}

extension RouteRule {
    /// Whether some event of a conversation could match.
    fileprivate func covers(_ place: Place, of name: SourceName) -> Bool {
        if let source, source != name { return false }
        if let thread, thread != place.thread { return false }
        guard let conversation else { return true }
        return conversation.source == name && conversation.chat == place.chat
            && (conversation.thread == nil || conversation.thread == place.thread)
    }
}
