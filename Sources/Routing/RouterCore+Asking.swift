import AccessControl
import ChannelEvents
import MessageStore

/// Where several sessions may be meant: the conversation is asked once, and what waits there follows the answer.
extension RouterCore {
    mutating func ask(_ arrival: Arrival, _ now: Moment) {
        guard !routes.asked.contains(arrival.place) else { return }
        let isAsked =
            say(sessionList("Which session is this for?", arrival, key: "which"), to: arrival.place, now)
            || askOwner(arrival, now)
        guard isAsked else { return }
        routes.asked.insert(arrival.place)
        effects.changes.append(.route(.asked(arrival.place, true)))
    }

    /// A question that the platform would not take is put again with the next message; what is held stays so.
    mutating func sessionAsked(_ part: OutboxPart) {
        guard part.state == .rejected, routes.asked.remove(part.place) != nil else { return }
        effects.changes.append(.route(.asked(part.place, false)))
    }

    /// Where nothing can be said to a conversation, because a program writes there, its owner is asked.
    private mutating func askOwner(_ arrival: Arrival, _ now: Moment) -> Bool {
        let places = policy.owner.compactMap { directPlace(of: $0) }.filter { mayReach($0) }
        guard let place = places.first else { return false }
        let conversation = arrival.conversation.description
        var notice = sessionList("\(conversation) wrote. Which session is that for?", arrival, key: "which")
        notice.text =
            notice.text.split(separator: "\n").dropLast().joined(separator: "\n")
            + "\nPress one, or: switchboard routes bind \(conversation) NAME"
        notice.buttons = notice.buttons.map { row in
            row.map { Notice.Button(label: $0.label, action: "\($0.action):\(conversation)") }
        }
        // A long name does not fit a button.
        if notice.buttons.joined().contains(where: { $0.action.utf8.count > 64 }) { notice.buttons = [] }
        notice.isSilent = false
        return say(notice, to: place, now)
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
        for place in held { handOver(place, from: unassignedSession, to: heldSession) }
        // What is beyond the window has its turn now.
        if !held.isEmpty { routes.mustAsk = true }
    }

    /// A number or a label alone, where the question is open, is its answer.
    func answersQuestion(_ arrival: Arrival) -> String? {
        guard routes.asked.contains(arrival.place), arrival.head.kind == .message, arrival.delivery.body.count < 4_096
        else { return nil }
        let words = arrival.text.split { $0.isWhitespace }
        guard words.count == 1, SessionLabel.isValid(words[0]), session(meantBy: String(words[0]), arrival) != nil
        else { return nil }
        return String(words[0])
    }

    /// A label before a number: a session may be called `2`. Only what the sender may reach.
    func session(meantBy name: String, _ arrival: Arrival) -> Session? {
        guard let id = session(called: name) ?? SessionID(name), let session = sessions[id],
            reach(of: arrival)?.contains(session.record.label) ?? true
        else { return nil }
        return session
    }

    /// Sessions that one list names; who wants another one knows its name.
    private static let listLimit = 16

    /// The sessions that an event's sender may choose from, with a button each.
    func sessionList(_ title: String, _ arrival: Arrival, key: String) -> Notice {
        let reach = reach(of: arrival)
        let all = sessions.values.filter { $0.isWorthShowing && reach?.contains($0.record.label) ?? true }
            .sorted { ($0.isAttached ? 0 : 1, $0.record.id) < ($1.isAttached ? 0 : 1, $1.record.id) }
        let key = "\(key):\(arrival.delivery.event)"
        guard !all.isEmpty else {
            return Notice(
                key: key, text: "No session was ever here. What you write is kept.", replyTo: arrival.head.id)
        }
        let shown = all.prefix(Self.listLimit)
        let present = routes.bindings[arrival.place]
        var lines = shown.map { session in
            "\(session.record.id) \(session.record.label)"
                + (session.isAttached ? "" : " (away)") + (session.record.id == present ? " ← this conversation" : "")
        }
        if all.count > shown.count { lines.append("and \(all.count - shown.count) more") }
        let how =
            mayChoose(arrival)
            ? "Choose with /use NAME or /use NUMBER." : "An approver chooses with /use NAME or /use NUMBER."
        return Notice(
            key: key, text: "\(title)\n\(lines.joined(separator: "\n"))\n\(how)",
            buttons: shown.map { [Notice.Button(label: $0.record.label, action: "use:\($0.record.id)")] })
    }
}

extension Session {
    /// One that only shook hands and is gone would be noise: `claude mcp list` leaves one behind in every folder.
    fileprivate var isWorthShowing: Bool {
        isAttached || record.instance != nil || record.project.isEmpty || !mailbox.isEmpty
    }
}
