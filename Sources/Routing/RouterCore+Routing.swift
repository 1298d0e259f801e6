import AccessControl
import ChannelEvents
import MessageStore

/// Which session an event is for.
enum RouteChoice: Hashable {
    case session(SessionID)
    /// Each of these, because a route says so.
    case all([SessionID])
    /// Nobody can take it yet.
    case nobody
    /// Several may: the conversation is asked.
    case ask
    /// A route keeps it for whoever is chosen.
    case hold
}

extension RouterCore {
    /// In this order: the session whose message it answers, the label it names, the binding, the configured route, the
    /// session the conversation used last, the only one that its sender may reach.
    mutating func choose(_ arrival: Arrival, answering speaker: SessionID?) -> RouteChoice {
        let reach = reach(of: arrival)
        func allows(_ id: SessionID?) -> SessionID? {
            guard let id, let label = sessions[id]?.record.label, reach?.contains(label) ?? true else { return nil }
            return id
        }
        if let id = allows(speaker) { return .session(id) }
        if let id = allows(addressed(by: arrival)) { return .session(id) }
        if let id = allows(routes.bindings[arrival.place]) { return .session(id) }
        if !settings.routes.isEmpty, let choice = configured(arrival, reach) { return choice }
        if let id = allows(lastSession[arrival.place]) { return .session(id) }
        // Who was asked is waited for, whichever session is the only one by now.
        if routes.asked.contains(arrival.place) { return .ask }
        if reach == nil {
            if let id = defaultSession { return .session(id) }
            return choosable.count > 1 ? .ask : .nobody
        }
        let reachable = choosable.filter { allows($0) != nil }
        if reachable.count == 1 { return .session(reachable[0]) }
        guard reachable.isEmpty, let first = limit(of: arrival)?.first else { return .ask }
        return .session(session(labelled: first))
    }

    /// The labels that an event's sender may reach where he wrote; `nil` for all.
    func reach(of arrival: Arrival) -> Set<String>? {
        limit(of: arrival).map(Set.init)
    }

    private func limit(of arrival: Arrival) -> [String]? {
        policy.sessionLimit(for: Address(source: arrival.source, id: arrival.head.sender), in: arrival.conversation)
    }

    // MARK: The label it names

    private func addressed(by arrival: Arrival) -> SessionID? {
        let mentionsUs = arrival.head.flags.contains(.mention) && !arrival.head.flags.contains(.direct)
        guard mentionsUs || AddressedText.mayBegin(arrival.delivery.body, with: [UInt8(ascii: "@")]) else { return nil }
        for label in AddressedText.labels(in: arrival.text, mentionsUs: mentionsUs) {
            if let id = session(called: label) { return id }
        }
        return nil
    }

    // MARK: The configured route

    /// What the first rule says that matches and that the sender's limits leave something of.
    private mutating func configured(_ arrival: Arrival, _ reach: Set<String>?) -> RouteChoice? {
        for rule in settings.routes {
            guard let target = rule.target, rule.matches(arrival) else { continue }
            let labels = target.labels.filter { reach?.contains($0) ?? true }
            switch target {
            case .hold: return .hold
            case .all([]):
                let there = choosable.filter { id in
                    reach.map { reach in sessions[id].map { reach.contains($0.record.label) } ?? false } ?? true
                }
                return there.isEmpty ? .nobody : .all(there)
            case .all:
                guard !labels.isEmpty else { continue }
                return .all(labels.map { session(labelled: $0) })
            case .session, .firstIdle:
                guard let first = labels.first else { continue }
                return .session(leastBusy(of: labels) ?? session(labelled: first))
            }
        }
        return nil
    }

    /// The first that is idle, else the one with least to do; `nil` when none of them is here.
    private func leastBusy(of labels: [String]) -> SessionID? {
        guard labels.count > 1 else { return nil }
        let there = labels.compactMap { session(called: $0) }.filter { sessions[$0]?.isPastSettling ?? false }
        return there.first { sessions[$0]?.isIdle ?? false }
            ?? there.enumerated().min { (load(of: $0.element), $0.offset) < (load(of: $1.element), $1.offset) }?.element
    }

    private func load(of id: SessionID) -> Int64 {
        sessions[id].map { $0.mailbox.count + Int64($0.inFlight.count) + ($0.holds == nil ? 0 : 1) } ?? .max
    }

    /// A session that is chosen by label keeps its messages even before it was ever seen.
    mutating func session(labelled label: String) -> SessionID {
        if let id = session(called: label) { return id }
        let record = SessionRecord(id: (sessions.keys.max() ?? 0) + 1, label: label, project: "", incarnation: 0)
        sessions[record.id] = Session(record: record, waiting: 0)
        labels[SessionLabel.folded(label)] = record.id
        effects.changes.append(.session(record))
        return record.id
    }
}

extension Session {
    /// It is here and could be given something now, and nothing else waits for it or is on its way to it.
    var isIdle: Bool { isAttached && mailbox.isEmpty && inFlight.isEmpty && holds == nil }
}
