/// What becomes of an event, and the rule that says so.
public enum Decision: Hashable, Sendable {
    case allowed(Rule)
    case refused(Rule)

    /// The rule that decided; a bounded code for audit, `explain` and counters.
    public enum Rule: String, Sendable, CaseIterable {
        /// The sender's id is in the list of the source or of the group.
        case listed
        /// The sender has a role that the group lets in.
        case role
        /// The group lets in everybody who can write there.
        case anyone
        /// The sender knew the chat's secret.
        case secret
        /// A process of the same user on this machine.
        case loopback
        /// Nobody let this sender in.
        case notListed = "not-listed"
        /// Nobody let this sender in, but he may ask for it.
        case unpaired
        case directDisabled = "direct-disabled"
        /// The group or channel was not switched on.
        case groupOff = "group-off"
        /// The sender is let in, but did not address us.
        case notMentioned = "not-mentioned"
        /// A bot spoke too often within a minute.
        case botBudget = "bot-budget"
        /// An administrator's policy does not allow it.
        case managed
        /// The sender and the group are limited to different sessions.
        case noSession = "no-session"

        /// Whether it is a rule by which somebody is let in.
        public var letsIn: Bool {
            switch self {
            case .listed, .role, .anyone, .secret, .loopback: true
            case .notListed, .unpaired, .directDisabled, .groupOff, .notMentioned, .botBudget, .noSession, .managed:
                false
            }
        }

        /// In words, for `explain`.
        public var sentence: String {
            switch self {
            case .listed: "the sender's id is on the list"
            case .role: "the sender has a role that this group lets in"
            case .anyone: "this group lets in everybody who can write there"
            case .secret: "the sender knew the secret of this chat"
            case .loopback: "it comes from a process of your own user on this machine"
            case .notListed: "the sender's id is on no list"
            case .unpaired: "the sender's id is on no list; a direct message of his gets a pairing code"
            case .directDisabled: "direct messages of this source are disabled"
            case .groupOff: "this group or channel is not enabled"
            case .notMentioned: "the message does not address the bot, and this group requires a mention"
            case .botBudget: "this bot has used up its messages of this minute"
            case .managed: "the policy of this machine's administrator does not allow it"
            case .noSession: "no session is open to both this sender and this conversation"
            }
        }
    }

    public var rule: Rule {
        switch self {
        case .allowed(let rule), .refused(let rule): return rule
        }
    }

    public var isAllowed: Bool {
        if case .allowed = self { return true }
        return false
    }
}
