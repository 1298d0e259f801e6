import AccessControl
import ChannelEvents
import MessageStore

/// Where several sessions may be meant: the conversation is asked once, and what waits there follows the answer.
extension RouterCore {
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
        let all = sessions.values.filter { reach?.contains($0.record.label) ?? true }
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
