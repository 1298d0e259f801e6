import ChannelEvents
public import MessageStore

/// A change of what the permission relay remembers.
public enum PermissionChange: Sendable {
    case prompt(PromptRecord)
    case card(CardRecord)
    case grant(GrantRecord)
}

/// What the permission relay must know before it takes a prompt.
public enum PermissionQuestion: Sendable {
    /// Where did these events come from?
    case takenIn([(source: SourceID, id: String)])
}

public enum PermissionFact: Sendable {
    case takenIn([TakenIn])
}

extension StoreTurn {
    func apply(_ change: PermissionChange) throws {
        switch change {
        case .prompt(let prompt): try setPrompt(prompt)
        case .card(let card): try setCard(card)
        case .grant(let grant): try setGrant(grant)
        }
    }

    func answer(_ question: PermissionQuestion) throws -> PermissionFact {
        switch question {
        case .takenIn(let events): return .takenIn(try takenIn(events))
        }
    }
}
