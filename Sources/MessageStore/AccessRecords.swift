/// A change of access as it is stored: the newest of a subject counts. Only the router's access part reads the values.
public struct AmendmentRecord: Hashable, Sendable {
    public var source: String
    /// `sender`, `approver`, `group` or `policy`.
    public var kind: String
    /// A sender's or a chat's id.
    public var subject: String
    public var value: String

    public init(source: String, kind: String, subject: String, value: String) {
        self.source = source
        self.kind = kind
        self.subject = subject
        self.value = value
    }
}

/// A stranger who was given a code.
public struct Pairing: Hashable, Sendable {
    public var code: String
    public var source: SourceID
    public var sender: String
    public var chat: String
    public var thread: String?
    /// Wall clock, milliseconds.
    public var created: Int64
    /// How often he was told the code.
    public var replies: Int64

    public init(
        code: String, source: SourceID, sender: String, chat: String, thread: String?, created: Int64, replies: Int64
    ) {
        self.code = code
        self.source = source
        self.sender = sender
        self.chat = chat
        self.thread = thread
        self.created = created
        self.replies = replies
    }
}

/// How a chat's messages came in last: what we say may go out by the same way, as long as it is open.
public enum ChatAdmission: Hashable, Sendable {
    /// One person is met there alone.
    case direct(sender: String)
    case group
    case secret
    case loopback
}

/// A chat in the store's numbers, all its threads together.
public struct ChatKey: Hashable, Sendable {
    public var source: SourceID
    public var chat: String

    public init(source: SourceID, chat: String) {
        self.source = source
        self.chat = chat
    }
}

/// A line of the audit as it stands in the store.
public struct AuditRecord: Sendable {
    public var id: Int64
    /// Wall clock, milliseconds.
    public var at: Int64
    public var entry: AuditEntry
    /// Over this line and the hash of the one before it.
    public var hash: [UInt8]
}
