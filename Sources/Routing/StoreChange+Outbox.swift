public import MessageStore

/// A change around the outbox that is none of a part.
public enum OutboxChange: Sendable {
    /// What an adapter said that it can do, as JSON.
    case abilities(SourceID, [UInt8])
    /// Malformed events that nobody wants to see any more.
    case dropEvents([Int64])
}

extension StoreTurn {
    mutating func apply(_ change: OutboxChange) throws {
        switch change {
        case .abilities(let source, let abilities): try setAbilities(source: source, abilities)
        case .dropEvents(let ids): try deleteDeadLetters(ids)
        }
    }
}
