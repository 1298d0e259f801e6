public import AccessControl
import ChannelEvents
import JSON
public import MessageStore

/// A change in which session a conversation's events go to.
public enum RouteChange: Sendable {
    case binding(Place, SessionID)
    case asked(Place, Bool)
    case speaker(SessionID, Place)
    case spoken(SessionID, Place, ids: [String])
    /// What waits in a conversation becomes another session's.
    case handOver(Place, from: SessionID, to: SessionID, of: SenderSelection = .everybody(but: []))
}

extension StoreTurn {
    mutating func apply(_ change: RouteChange) throws {
        switch change {
        case .binding(let place, let session): try bind(place, to: session)
        case .asked(let place, let isAsked): try setAsked(place, isAsked)
        case .speaker(let session, let place): try addSpeaker(session, in: place)
        case .spoken(let session, let place, let ids): try setSpoken(ids, by: session, in: place)
        case .handOver(let place, let old, let new, let senders):
            let isExclusion: Bool
            let ids: Set<String>
            switch senders {
            case .everybody(let others): (ids, isExclusion) = (others, true)
            case .only(let some): (ids, isExclusion) = (some, false)
            }
            try handOver(
                place, from: old, to: new, senders: JSONValue.array(ids.sorted().map(JSONValue.string)).text,
                isExclusion: isExclusion)
        }
    }
}

/// Which session an event is for.
enum RouteChoice: Hashable {
    case session(SessionID)
    /// Nobody can take it yet.
    case nobody
    /// Several may: the conversation is asked.
    case ask
}

/// Nobody's, and not for whoever happens to be the only session: its conversation was asked which one is meant, or its
/// sender may not reach every session.
let heldSession: SessionID = -1

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
        if !settings.routes.isEmpty,
            let rule = settings.routes.first(where: { $0.matches(arrival.head, from: arrival.source) }),
            reach?.contains(rule.label) ?? true
        {
            return .session(session(labelled: rule.label))
        }
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

    private func addressed(by arrival: Arrival) -> SessionID? {
        let mentionsUs = arrival.head.flags.contains(.mention) && !arrival.head.flags.contains(.direct)
        guard mentionsUs || AddressedText.mayBegin(arrival.delivery.body, with: [UInt8(ascii: "@")]) else { return nil }
        for label in AddressedText.labels(in: arrival.text, mentionsUs: mentionsUs) {
            if let id = labels[label] { return id }
        }
        return nil
    }

    /// A session that is chosen by label keeps its messages even before it was ever seen.
    private mutating func session(labelled label: String) -> SessionID {
        if let id = labels[label] { return id }
        let record = SessionRecord(id: (sessions.keys.max() ?? 0) + 1, label: label, project: "", incarnation: 0)
        sessions[record.id] = Session(record: record, waiting: 0)
        labels[label] = record.id
        effects.changes.append(.session(record))
        return record.id
    }

    // MARK: Asking

    /// Asks a conversation once which session is meant; what waits there follows the answer.
    mutating func ask(_ arrival: Arrival, _ now: Moment) {
        guard !routes.asked.contains(arrival.place) else { return }
        guard say(sessionList("Which session is this for?", arrival, key: "which"), to: arrival.place, now) else {
            return
        }
        routes.asked.insert(arrival.place)
        effects.changes.append(.route(.asked(arrival.place, true)))
    }

    /// Asks where messages came in before there were several sessions to choose from.
    mutating func askForUnassigned(_ now: Moment) {
        guard routes.mustAsk, !unassigned.needsPage else { return }
        routes.mustAsk = false
        guard choosable.count > 1 else { return }
        var seen: Set<Place> = []
        for delivery in unassigned.inMemory {
            guard let source = sourceNames[delivery.source] else { continue }
            let arrival = Arrival(delivery: delivery, source: source)
            if seen.insert(arrival.place).inserted { ask(arrival, now) }
        }
        let held = seen.intersection(routes.asked)
        for place in held {
            effects.changes.append(.route(.handOver(place, from: unassignedSession, to: heldSession)))
        }
        if !held.isEmpty { unassigned.reread() }
    }

    /// The sessions that an event's sender may choose from, with a button each.
    func sessionList(_ title: String, _ arrival: Arrival, key: String) -> Notice {
        let reach = reach(of: arrival)
        let shown = sessions.values.filter { reach?.contains($0.record.label) ?? true }
            .sorted { ($0.isAttached ? 0 : 1, $0.record.id) < ($1.isAttached ? 0 : 1, $1.record.id) }.prefix(12)
        guard !shown.isEmpty else {
            return Notice(
                key: "\(key):\(arrival.delivery.event)", text: "No session was ever here. What you write is kept.",
                replyTo: arrival.head.id)
        }
        let lines = shown.map { "\($0.record.id) \($0.record.label)\($0.isAttached ? "" : " (away)")" }
        return Notice(
            key: "\(key):\(arrival.delivery.event)",
            text: "\(title)\n\(lines.joined(separator: "\n"))\nChoose with /use NAME or /use NUMBER.",
            buttons: shown.map { [Notice.Button(label: $0.record.label, action: "use:\($0.record.id)")] })
    }

    // MARK: Binding

    /// From now on a conversation is this session's, with all that waits there and was not delivered.
    mutating func bind(_ place: Place, to id: SessionID) {
        let previous = Set(
            [routes.bindings[place], lastSession[place], unassignedSession, heldSession].compactMap(\.self))
        // What others wrote there and this session may not be given stays where it waits.
        var senders = SenderSelection.everybody(but: [])
        if let name = sourceNames[place.source], let label = sessions[id]?.record.label {
            senders = policy.senders(
                for: label, in: Conversation(source: name, chat: place.chat, thread: place.thread))
        }
        routes.bindings[place] = id
        effects.changes.append(.route(.binding(place, id)))
        if routes.asked.remove(place) != nil { effects.changes.append(.route(.asked(place, false))) }
        for old in previous.sorted() where old != id {
            effects.changes.append(.route(.handOver(place, from: old, to: id, of: senders)))
            switch old {
            case unassignedSession: unassigned.reread()
            case heldSession: break
            default: sessions[old]?.mailbox.reread()
            }
        }
        sessions[id]?.mailbox.reread()
    }

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

/// What was chosen and asked, per conversation; the store has it too.
struct RoutingTable: Sendable {
    var bindings: [Place: SessionID]
    var asked: Set<Place>
    var speakers: [Place: Set<SessionID>]
    /// Several sessions can be chosen now and something waits for nobody.
    var mustAsk = false

    init(_ stored: StoredRoutes) {
        bindings = stored.bindings
        asked = stored.asked
        speakers = stored.speakers
    }
}
