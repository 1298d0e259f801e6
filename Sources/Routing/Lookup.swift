public import MessageStore

/// What the core wants to know once a turn's messages are handled: nothing that decides on them, so it need not be known
/// before, and nothing that may take long.
public enum Lookup: Sendable {
    /// How much waits for a session, after a conversation was handed over.
    case count(SessionID)
    /// What waits in a conversation, for somebody who asked there.
    case inbox(Place, for: [SessionID], key: String)
    /// What became of a message, for somebody who asked by answering it.
    case why(Place, message: String, key: String)
}

public enum LookupResult: Sendable {
    case count(SessionID, Int64)
    case inbox(Place, [WaitingShare], key: String)
    case why(Place, KnownMessage?, key: String)
}

extension StoreTurn {
    func find(_ lookup: Lookup) throws -> LookupResult {
        switch lookup {
        case .count(let session): .count(session, try waitingCount(of: session))
        case .inbox(let place, let sessions, let key): .inbox(place, try waiting(in: place, for: sessions), key: key)
        case .why(let place, let message, let key): .why(place, try self.message(message, in: place), key: key)
        }
    }
}
