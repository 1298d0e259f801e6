public import ChannelEvents

/// How permission prompts are relayed.
public struct PermissionSettings: Hashable, Sendable {
    public enum OnTimeout: String, Sendable, CaseIterable {
        /// The card is sent again, so that it rings again.
        case renew
        /// The next approver gets a card, too.
        case escalate
        /// The answer is no.
        case deny
    }

    /// How long a prompt of a turn that began at the terminal waits there before a card goes out, in milliseconds.
    public var cardDelay: Int64
    public var onTimeout: OnTimeout
    /// After so long without an answer ``onTimeout`` happens, in milliseconds; each renewal doubles it, up to sixteenfold.
    public var limit: Int64
    /// Conversations that see the card themselves when their message began the turn.
    public var cardsHere: Set<Conversation>
    /// Whether standing grants are used and can be given.
    public var allowsGrants: Bool
    /// Tools that take two approvers; no grant serves them.
    public var twoPerson: Set<String>

    public init(
        cardDelay: Int64 = 0, onTimeout: OnTimeout = .renew, limit: Int64 = 900_000,
        cardsHere: Set<Conversation> = [], allowsGrants: Bool = false, twoPerson: Set<String> = []
    ) {
        self.cardDelay = cardDelay
        self.onTimeout = onTimeout
        self.limit = limit
        self.cardsHere = cardsHere
        self.allowsGrants = allowsGrants
        self.twoPerson = twoPerson
    }
}
