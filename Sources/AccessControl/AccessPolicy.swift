public import ChannelEvents

/// Who may reach a session, per source. A value: what the configuration and the store say is joined before.
public struct AccessPolicy: Hashable, Sendable {
    public var sources: [SourceName: SourcePolicy]
    public var people: [Person]

    public init(sources: [SourceName: SourcePolicy] = [:], people: [Person] = []) {
        self.sources = sources
        self.people = people
    }

    /// Everybody who may answer permission prompts, the owner's addresses first, each person's in order of preference.
    public var approvers: [Address] { [] }

    /// Whether this sender may answer permission prompts and use session commands.
    public func isApprover(_ address: Address) -> Bool { approvers.contains(address) }

    /// The labels of the sessions that this sender may reach from this conversation; `nil` for all.
    public func sessions(for address: Address, in conversation: Conversation) -> Set<String>? { nil }
}

public struct SourcePolicy: Hashable, Sendable {
    /// Permanent ids of senders who are let in.
    public var allow: Set<String>
    /// Whether a process of the same user on this machine is let in without being listed. Never true of a browser:
    /// adapters do not call one `loopback`.
    public var trustsLoopback: Bool

    public init(allow: Set<String> = [], trustsLoopback: Bool = true) {
        self.allow = allow
        self.trustsLoopback = trustsLoopback
    }
}

/// What becomes of an event, and the rule that says so.
public enum Decision: Hashable, Sendable {
    case allowed(Rule)
    case refused(Rule)

    /// The rule that decided; a bounded code for audit, `explain` and counters.
    public enum Rule: String, Sendable, CaseIterable {
        /// The sender's id is in the source's allowlist.
        case listed
        /// The sender knew the chat's secret.
        case secret
        /// A process of the same user on this machine.
        case loopback
        /// Nobody let this sender in.
        case notListed = "not-listed"
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

extension AccessPolicy {
    /// Decides one event. Nobody is let in by default; only fields that the adapter authenticated are read.
    public func decide(_ head: EventHead, from source: SourceName) -> Decision {
        let policy = sources[source] ?? SourcePolicy()
        switch head.authentication {
        case .secret: return .allowed(.secret)
        case .loopback where policy.trustsLoopback: return .allowed(.loopback)
        case .platform where policy.allow.contains(head.sender): return .allowed(.listed)
        default: return .refused(.notListed)
        }
    }
}
