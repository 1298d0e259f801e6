public import ChannelEvents

/// Who may reach a session, and who may decide. A value: what the configuration says and what `switchboard access`
/// changed are joined in it before anything is decided.
public struct AccessPolicy: Hashable, Sendable {
    public var sources: [SourceName: SourcePolicy]
    public var people: [Person]
    /// What an administrator allows at most; `nil` where there is no such.
    public var ceiling: AccessCeiling?
    /// The kind of each source's adapter, where it is not the source's name; the ceiling speaks of kinds.
    public var kinds: [SourceName: String] = [:]
    /// Nothing can be changed while it runs: then nobody is offered a code, which nobody could use.
    public var isStatic = false

    public init(sources: [SourceName: SourcePolicy] = [:], people: [Person] = []) {
        self.sources = sources
        self.people = people
    }

    public subscript(source: SourceName) -> SourcePolicy {
        get { sources[source] ?? SourcePolicy() }
        set { sources[source] = newValue }
    }

    /// The owner's addresses, in order of preference.
    public var owner: [Address] { people.filter(\.isOwner).flatMap(\.addresses) }

    /// Who has this address.
    public func person(of address: Address) -> Person? { people.first { $0.addresses.contains(address) } }

    /// Everybody who may answer permission prompts: the owner's addresses first, in order of preference, then the
    /// other people's, then those whom nobody described.
    public var approvers: [Address] {
        let listed = sources.sorted { $0.key.text < $1.key.text }.flatMap { source, policy in
            policy.approvers.sorted().map { Address(source: source, id: $0) }
        }
        let known = owner + people.filter { !$0.isOwner }.flatMap(\.addresses)
        return (known.filter { listed.contains($0) } + listed.filter { !known.contains($0) }).filter(isApprover)
    }

    /// Whether this sender may answer permission prompts and use session commands. To be the owner is not enough: who
    /// may approve is always written out.
    public func isApprover(_ address: Address) -> Bool {
        self[address.source].approvers.contains(address.id)
            && ceiling?.allows(approver: address.id, of: kind(of: address.source)) ?? true
    }

    /// The kind of a source's adapter, as the ceiling names it.
    public func kind(of source: SourceName) -> String { kinds[source] ?? source.text }
}

extension AccessPolicy {
    /// What has to be known beside the event itself.
    public struct Context: Hashable, Sendable {
        /// The thread was addressed before, so that no further mention is needed in it.
        public var isAddressed: Bool
        /// This bot and we have spoken too often within the last minute.
        public var isOverBudget: Bool
        /// What the sender wrote; read only where ``SourcePolicy/mentionPatterns(in:)`` are to be looked for.
        public var text: String?

        public init(isAddressed: Bool = false, isOverBudget: Bool = false, text: String? = nil) {
            self.isAddressed = isAddressed
            self.isOverBudget = isOverBudget
            self.text = text
        }
    }

    /// Decides one event. Nobody is let in by default; who the sender is comes only from fields that the adapter
    /// authenticated. The text can make a message of somebody who is let in a mention, and nothing else.
    public func decide(_ head: EventHead, from source: SourceName, context: Context = Context()) -> Decision {
        if let ceiling, !ceiling.allows(head, of: kind(of: source)) { return .refused(.managed) }
        let policy = self[source]
        let decision = policy.admit(head, context)
        if isStatic, decision == .refused(.unpaired) { return .refused(.notListed) }
        guard decision.isAllowed, policy.limitsSessions(in: head.chat) else { return decision }
        // Where what binds the sender and what binds the group have no session in common, nobody could take it.
        let conversation = Conversation(source: source, chat: head.chat, thread: head.thread)
        let limit = sessionLimit(for: Address(source: source, id: head.sender), in: conversation)
        return limit?.isEmpty ?? false ? .refused(.noSession) : decision
    }

    /// Whether the inbound gate would let this conversation in now: what we say goes nowhere else. `direct` is who is
    /// met there, when it is a conversation with one person.
    public func mayReach(_ conversation: Conversation, direct: String?) -> Bool {
        let policy = self[conversation.source]
        if let ceiling {
            let kind = kind(of: conversation.source)
            guard
                direct.map({ ceiling.allows(sender: $0, of: kind) })
                    ?? ceiling.allows(group: conversation.chat, of: kind)
            else { return false }
        }
        if let direct { return policy.directPolicy != .disabled && policy.isListed(direct) }
        return policy.groups[conversation.chat] != nil
    }
}

extension SourcePolicy {
    fileprivate func admit(_ head: EventHead, _ context: AccessPolicy.Context) -> Decision {
        switch head.authentication {
        case .secret: return .allowed(.secret)
        case .loopback where trustsLoopback: return .allowed(.loopback)
        case .platform: return head.flags.contains(.direct) ? direct(head, context) : inGroup(head, context)
        default: return .refused(.notListed)
        }
    }

    private func direct(_ head: EventHead, _ context: AccessPolicy.Context) -> Decision {
        guard directPolicy != .disabled else { return .refused(.directDisabled) }
        guard isListed(head.sender) else {
            // A program cannot be paired: whoever runs it is asked to list it.
            let canPair = (directPolicy ?? .pairing) == .pairing && !head.flags.contains(.bot)
            return .refused(canPair ? .unpaired : .notListed)
        }
        if head.flags.contains(.bot), context.isOverBudget { return .refused(.botBudget) }
        return .allowed(.listed)
    }

    private func inGroup(_ head: EventHead, _ context: AccessPolicy.Context) -> Decision {
        guard let group = groups[head.chat] else { return .refused(.groupOff) }
        let rule: Decision.Rule
        if group.allow?.ids.contains(head.sender) ?? isListed(head.sender) {
            rule = .listed
        } else if let allow = group.allow, !allow.roles.isDisjoint(with: head.roles) {
            rule = .role
        } else if group.allow?.isAnyone ?? false, !head.flags.contains(.bot) {
            rule = .anyone
        } else {
            return .refused(.notListed)
        }
        if head.flags.contains(.bot), context.isOverBudget { return .refused(.botBudget) }
        // A press, a reaction, a deletion belongs to a message: it addresses nobody by words.
        let isWritten = head.kind == .message || head.kind == .edit
        guard group.requiresMention, isWritten, !head.flags.contains(.mention), !context.isAddressed,
            !(context.text.map { text in group.mentionPatterns.contains { $0.matches(text) } } ?? false)
        else { return .allowed(rule) }
        return .refused(.notMentioned)
    }
}
