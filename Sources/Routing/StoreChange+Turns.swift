public import MessageStore

/// A change of what is known of turns and of what waits for their end.
public enum TurnChange: Sendable {
    case record(SessionID, TurnRecord)
    /// A fresh delivery that is held although its session is there.
    case held(SessionID, EventSequence, reason: String)
    /// One delivery carries others: they are seen together.
    case lead(SessionID, EventSequence, of: [EventSequence])
    /// The text of something that waits was edited on its platform.
    case replaced(EventSequence, [UInt8])
    /// An edit or a deletion that was carried out on what waits, so that nobody needs it.
    case merged(SessionID, EventSequence)
    case outageNotice(WaitingPlace)
    case outageEnded(SessionID)
    /// The platform's id of the line that says what the session is busy with; `nil` when it ended.
    case line(WaitingPlace, String?)
}

extension StoreTurn {
    mutating func apply(_ change: TurnChange, now: Int64) throws {
        switch change {
        case .record(let session, let record): try setTurn(record, of: session)
        case .held(let session, let event, let reason):
            try insertDelivery(session: session, event: event, state: .waiting, offers: 0, reason: reason, now: now)
        case .lead(let session, let lead, let carried):
            for event in carried { try setLead(lead, of: event, session: session) }
        case .replaced(let event, let body): try replaceBody(of: event, body)
        case .merged(let session, let event):
            try insertDelivery(session: session, event: event, state: .done, offers: 0, reason: "merged", now: now)
        case .outageNotice(let waiting): try noteOutageNotice(waiting)
        case .outageEnded(let session): try endOutage(of: session)
        case .line(let waiting, let message): try setStatusLine(message, of: waiting)
        }
    }
}
