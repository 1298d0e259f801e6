import ChannelEvents

/// What an administrator allows at most. It only takes away: nobody is let in by it, and several of them together
/// allow what all of them do. Adapters are named by their kind, because a source's name is the user's choice.
public struct AccessCeiling: Hashable, Sendable {
    /// Kinds of adapters that may run; `nil` for all.
    public var kinds: Set<String>?
    /// Permanent ids that may be let in, per kind; `nil` for all, and of a kind that is not named nobody.
    public var senders: [String: Set<String>]?
    /// Groups and channels that may be on, by the chat's id, per kind.
    public var groups: [String: Set<String>]?
    /// Permanent ids that may answer permission prompts, per kind.
    public var approvers: [String: Set<String>]?
    /// Whether processes of the same user may be let in without being listed.
    public var allowsLoopback: Bool

    public init(
        kinds: Set<String>? = nil, senders: [String: Set<String>]? = nil, groups: [String: Set<String>]? = nil,
        approvers: [String: Set<String>]? = nil, allowsLoopback: Bool = true
    ) {
        self.kinds = kinds
        self.senders = senders
        self.groups = groups
        self.approvers = approvers
        self.allowsLoopback = allowsLoopback
    }

    public func allows(kind: String) -> Bool { kinds?.contains(kind) ?? true }

    public func allows(sender: String, of kind: String) -> Bool {
        allows(kind: kind) && (senders.map { $0[kind]?.contains(sender) ?? false } ?? true)
    }

    public func allows(group: String, of kind: String) -> Bool {
        allows(kind: kind) && (groups.map { $0[kind]?.contains(group) ?? false } ?? true)
    }

    public func allows(approver: String, of kind: String) -> Bool {
        allows(sender: approver, of: kind) && (approvers.map { $0[kind]?.contains(approver) ?? false } ?? true)
    }

    func allows(_ head: EventHead, of kind: String) -> Bool {
        switch head.authentication {
        case .platform:
            return allows(sender: head.sender, of: kind)
                && (head.flags.contains(.direct) || allows(group: head.chat, of: kind))
        case .loopback: return allowsLoopback && allows(kind: kind)
        default: return allows(kind: kind)
        }
    }

    /// What both allow.
    public func lowered(to other: AccessCeiling) -> AccessCeiling {
        AccessCeiling(
            kinds: Self.common(kinds, other.kinds), senders: Self.common(senders, other.senders),
            groups: Self.common(groups, other.groups), approvers: Self.common(approvers, other.approvers),
            allowsLoopback: allowsLoopback && other.allowsLoopback)
    }

    private static func common(_ one: Set<String>?, _ other: Set<String>?) -> Set<String>? {
        guard let one, let other else { return one ?? other }
        return one.intersection(other)
    }

    private static func common(_ one: [String: Set<String>]?, _ other: [String: Set<String>]?)
        -> [String: Set<String>]?
    {
        guard let one, let other else { return one ?? other }
        return one.reduce(into: [:]) { common, entry in
            if let ids = other[entry.key] { common[entry.key] = entry.value.intersection(ids) }
        }
    }
}
