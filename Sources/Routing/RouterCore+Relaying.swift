import BusProtocol
import MessageBus
import MessageStore

/// The permission relay: prompts become cards, answers become verdicts.
extension RouterCore {
    /// ASK.
    mutating func receive(_ request: PermissionRequest, from link: LinkID, _ now: Moment) {
        refuse(
            ProtocolError(.unavailable, "this router does not relay permission requests"), command: "ASK", from: link)
    }

    /// Whether an event is an answer to a permission prompt, or tries to be one: it then never reaches Claude.
    mutating func takesAsVerdict(_ arrival: Arrival, _ now: Moment) -> Bool { false }

    /// A card was sent or edited, or cannot be.
    mutating func cardSettled(_ part: OutboxPart, _ now: Moment) {}

    /// A hook of a session: what was asked in full, and what shows that a prompt was answered at the terminal.
    mutating func relayHeard(_ hook: HookReport, in id: SessionID, _ now: Moment) {}

    /// The endpoint wrote these verdicts.
    mutating func verdictsWritten(_ requests: [String], by id: SessionID, _ now: Moment) {}
}
