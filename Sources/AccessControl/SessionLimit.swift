public import ChannelEvents

/// Sessions that a sender or a chat is limited to. All that is given must match.
public struct SessionLimit: Hashable, Sendable {
    /// The sender's permanent id; `nil` for everybody.
    public var sender: String?
    /// The chat, with all of its threads; `nil` for every one.
    public var chat: String?
    /// Labels of the sessions, never empty; while none of them is here, the first keeps what comes.
    public var labels: [String]

    /// `nil` without a label: a limit to nothing would leave a message without a place to wait.
    public init?(sender: String? = nil, chat: String? = nil, labels: [String]) {
        guard !labels.isEmpty else { return nil }
        self.sender = sender
        self.chat = chat
        self.labels = labels
    }
}

/// Some of those who write in a conversation.
public enum SenderSelection: Hashable, Sendable {
    case everybody(but: Set<String>)
    case only(Set<String>)

    public func contains(_ sender: String) -> Bool {
        switch self {
        case .everybody(let others): !others.contains(sender)
        case .only(let senders): senders.contains(sender)
        }
    }
}

extension AccessPolicy {
    /// The labels of the sessions that this sender may reach from this conversation, in order of preference; `nil` for
    /// all, empty where nothing is left. The first of the source's limits that matches holds, and the group's own
    /// limit beside it.
    public func sessionLimit(for address: Address, in conversation: Conversation) -> [String]? {
        guard let policy = sources[address.source] else { return nil }
        let own = policy.limits.first { limit in
            (limit.sender == nil || limit.sender == address.id)
                && (limit.chat == nil || conversation.source == address.source && limit.chat == conversation.chat)
        }
        let group = conversation.source == address.source ? policy.groups[conversation.chat]?.sessions : nil
        guard let own, let group else { return own?.labels ?? group }
        return own.labels.filter(group.contains)
    }

    /// The labels of the sessions that this sender may reach from this conversation; `nil` for all.
    public func sessions(for address: Address, in conversation: Conversation) -> Set<String>? {
        sessionLimit(for: address, in: conversation).map(Set.init)
    }

    /// Whose messages of a conversation a session may be given.
    public func senders(for label: String, in conversation: Conversation) -> SenderSelection {
        let named = Set((sources[conversation.source]?.limits ?? []).compactMap(\.sender))
        func mayReach(_ sender: String) -> Bool {
            sessions(for: Address(source: conversation.source, id: sender), in: conversation)?.contains(label) ?? true
        }
        // No platform gives an empty id: it stands for everybody whom no limit names.
        return mayReach("") ? .everybody(but: named.filter { !mayReach($0) }) : .only(named.filter(mayReach))
    }
}
