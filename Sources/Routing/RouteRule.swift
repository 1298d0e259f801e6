public import AccessControl
public import ChannelEvents

/// One entry of the configured routes. A member that is `nil` matches everything.
public struct RouteRule: Hashable, Sendable {
    public var source: SourceName?
    /// With a thread it matches that thread, without one the whole chat.
    public var conversation: Conversation?
    /// A thread or topic, whatever its chat.
    public var thread: String?
    public var sender: String?
    public var kind: EventKind?
    /// Words that the text holds, read as a mention pattern is.
    public var text: MentionPattern?
    /// `nil` chooses nothing: the rule only says what is urgent.
    public var target: Target?
    /// What matches goes to its session at once, also while a turn runs.
    public var isUrgent: Bool

    public enum Target: Hashable, Sendable {
        case session(String)
        /// The first of these that is there and idle; else the one that is there and has least to do, else the first.
        case firstIdle([String])
        /// Each of these gets it; of an empty list, each that is there.
        case all([String])
        /// It waits until a person chooses.
        case hold
    }

    public init(
        source: SourceName? = nil, conversation: Conversation? = nil, thread: String? = nil, sender: String? = nil,
        kind: EventKind? = nil, text: MentionPattern? = nil, to target: Target?, isUrgent: Bool = false
    ) {
        self.source = source
        self.conversation = conversation
        self.thread = thread
        self.sender = sender
        self.kind = kind
        self.text = text
        self.target = target
        self.isUrgent = isUrgent
    }

    func matches(_ arrival: Arrival) -> Bool {
        let head = arrival.head
        if let wanted = source, wanted != arrival.source { return false }
        if let sender, sender != head.sender { return false }
        if let kind, kind != head.kind { return false }
        if let thread, thread != head.thread { return false }
        if let conversation {
            guard conversation.source == arrival.source, conversation.chat == head.chat else { return false }
            if let thread = conversation.thread, thread != head.thread { return false }
        }
        // Last, because it reads the body.
        return text?.matches(arrival.text) ?? true
    }
}

extension RouteRule.Target {
    /// The labels it names, in order.
    public var labels: [String] {
        switch self {
        case .session(let label): [label]
        case .firstIdle(let labels), .all(let labels): labels
        case .hold: []
        }
    }
}
