public import MessageStore

/// A change of what access remembers.
public enum AccessChange: Sendable {
    case amendment(AmendmentRecord)
    case pairing(Pairing)
    case endPairing(String)
    case admission(ChatKey, ChatAdmission)
    case addressed(Place)
}

extension StoreTurn {
    func apply(_ change: AccessChange) throws {
        switch change {
        case .amendment(let record): try setAmendment(record)
        case .pairing(let pairing): try setPairing(pairing)
        case .endPairing(let code): try removePairing(code: code)
        case .addressed(let thread): try setAddressed(thread)
        case .admission(let chat, let admission): try setAdmission(chat, admission)
        }
    }
}
