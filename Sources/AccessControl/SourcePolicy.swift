/// Who is let in from one source.
public struct SourcePolicy: Hashable, Sendable {
    /// What becomes of a direct message of somebody who is not listed.
    public enum DirectPolicy: String, Sendable, CaseIterable {
        /// He gets a code, with which the owner can let him in.
        case pairing
        /// He is refused, and hears nothing.
        case allowlist
        /// Nobody is let in directly, listed or not.
        case disabled
    }

    /// Permanent ids of senders who are let in.
    public var allow: Set<String>
    /// Permanent ids of those who may answer permission prompts; they are let in, too.
    public var approvers: Set<String>
    /// `nil` is what suits the adapter: ``DirectPolicy/allowlist`` where every friend's message arrives, else pairing.
    public var directPolicy: DirectPolicy?
    /// Groups and channels that are on, by the chat's id; a thread inherits from its chat.
    public var groups: [String: GroupPolicy]
    /// Which sessions some senders and chats are limited to; the first match holds.
    public var limits: [SessionLimit]
    /// Messages of one bot in one conversation that are let in within a minute: it stops two programs that answer
    /// each other.
    public var botBudget: Int
    /// Whether a process of the same user on this machine is let in without being listed. Never true of a browser:
    /// adapters do not call one `loopback`.
    public var trustsLoopback: Bool

    public init(
        allow: Set<String> = [], approvers: Set<String> = [], directPolicy: DirectPolicy? = nil,
        groups: [String: GroupPolicy] = [:], limits: [SessionLimit] = [], botBudget: Int = 20,
        trustsLoopback: Bool = true
    ) {
        self.allow = allow
        self.approvers = approvers
        self.directPolicy = directPolicy
        self.groups = groups
        self.limits = limits
        self.botBudget = botBudget
        self.trustsLoopback = trustsLoopback
    }

    public func isListed(_ sender: String) -> Bool { allow.contains(sender) || approvers.contains(sender) }

    /// Whether somebody may not reach every session from there.
    func limitsSessions(in chat: String) -> Bool { !limits.isEmpty || groups[chat]?.sessions != nil }

    /// Whether the text of a message there must be read to decide.
    public func readsText(in chat: String) -> Bool { !(groups[chat]?.mentionPatterns.isEmpty ?? true) }
}

/// Who is let in from one group or channel.
public struct GroupPolicy: Hashable, Sendable {
    /// Whether a message must address us. A thread that addressed us once needs no further mention.
    public var requiresMention: Bool
    /// Words that count as a mention.
    public var mentionPatterns: [MentionPattern]
    /// `nil` is everybody whom the source lists.
    public var allow: GroupAllow?
    /// Labels of the sessions that can be reached from there; `nil` for all.
    public var sessions: [String]?

    public init(
        requiresMention: Bool = true, mentionPatterns: [MentionPattern] = [], allow: GroupAllow? = nil,
        sessions: [String]? = nil
    ) {
        self.requiresMention = requiresMention
        self.mentionPatterns = mentionPatterns
        self.allow = allow
        self.sessions = sessions
    }
}

/// A group's own list. An empty one is nobody.
public struct GroupAllow: Hashable, Sendable {
    public var ids: Set<String>
    /// Platform roles by their permanent ids, where the adapter declares such.
    public var roles: Set<String>
    /// Every person who can write there; programs are listed by their id.
    public var isAnyone: Bool

    public init(ids: Set<String> = [], roles: Set<String> = [], isAnyone: Bool = false) {
        self.ids = ids
        self.roles = roles
        self.isAnyone = isAnyone
    }

    /// Reads entries as they are written: a permanent id, `role:ID`, or `anyone`.
    public init(entries: [String]) {
        self.init(
            ids: Set(entries.filter { $0 != "anyone" && !$0.hasPrefix("role:") }),
            roles: Set(entries.filter { $0.hasPrefix("role:") }.map { String($0.dropFirst(5)) }),
            isAnyone: entries.contains("anyone"))
    }

    /// What is wrong with an entry; `nil` when it can be one.
    public static func complaint(_ entry: String) -> String? {
        if entry == "anyone" { return nil }
        return SenderID.complaint(entry.hasPrefix("role:") ? String(entry.dropFirst("role:".count)) : entry)
    }

    public var entries: [String] {
        ids.sorted() + roles.sorted().map { "role:\($0)" } + (isAnyone ? ["anyone"] : [])
    }
}
