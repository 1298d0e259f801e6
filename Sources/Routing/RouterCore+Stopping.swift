import ChannelEvents
import JSON
import MessageBus
import MessageStore

/// `/stop`: Claude Code lets a hook end a turn before the next tool runs, and in no other way.
extension RouterCore {
    /// Asks that what a session does be stopped; who may, the caller knows.
    ///
    /// - Returns: what could be done, in words for whoever asked. The rest is told when it is known.
    mutating func requestStop(of id: SessionID, by arrival: Arrival, _ now: Moment) -> String {
        guard let session = sessions[id] else { return "There is no such session." }
        let label = session.record.label
        guard session.isAttached else { return "\(label) is not running: there is nothing to stop." }
        guard session.turn.hasHooks else {
            return "\(label) has no hooks of Switchboard: it cannot be stopped from here. Nothing was stopped."
        }
        guard session.turn.isWorking else { return "\(label) is idle: there is nothing to stop." }
        sessions[id]?.stopAskedIn = arrival.conversation.description
        keepTurn(of: id)
        counters.add("stops.asked")
        if let tool = session.turn.tools.values.min(by: { $0.since < $1.since }) {
            let minutes = (now.uptime - tool.since) / 60_000
            let duration = minutes > 0 ? " (\(minutes) min)" : ""
            return "\(label) runs \(tool.summary ?? tool.name)\(duration); that cannot be interrupted. "
                + "It stops before its next tool."
        }
        return "\(label) stops before its next tool."
    }

    /// What a `PreToolUse` hook is told while somebody wants the turn to stop.
    mutating func stopAnswer(for id: SessionID, _ now: Moment) -> JSONValue? {
        guard sessions[id]?.stopAskedIn != nil else { return nil }
        sessions[id]?.turn.noteStopSent(now: now.uptime)
        return ["continue": false, "stopReason": "Stopped from the chat by somebody who may."]
    }

    /// The turn ended: whoever wanted it stopped learns how.
    mutating func settleStop(of id: SessionID, _ end: SessionTurn.End, _ now: Moment) {
        guard let session = sessions[id], let asked = session.stopAskedIn else { return }
        sessions[id]?.stopAskedIn = nil
        keepTurn(of: id)
        guard let place = Conversation(asked).flatMap({ self.place(of: $0) }) else { return }
        let label = session.record.label
        let text =
            switch end {
            case .stopped: "\(label) was stopped."
            case .stop, .idle: "\(label) ended its turn by itself before it could be stopped."
            case .failure, .session, .silence: "\(label) does not work any more."
            }
        counters.add("stops.\(end.rawValue)")
        tell(text, to: place, now)
    }
}
