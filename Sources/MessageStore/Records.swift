public import ChannelEvents

/// The store's own number of a source.
public typealias SourceID = Int64
/// The store's own number of a session; ``unassignedSession`` is nobody yet.
public typealias SessionID = Int64
/// The order of admission, which is also the number of every delivery of the event.
public typealias EventSequence = Int64

/// Where events wait that no session was found for.
public let unassignedSession: SessionID = 0
/// Where events wait for a person's choice: nobody's, and not for whoever happens to be the only session.
public let heldSession: SessionID = -1

/// Nobody's until the quiet hours of its feed are over.
public let quietSession: SessionID = -2

/// An event about to be admitted: decided, not yet known to be new.
public struct NewEvent: Sendable {
    public var source: SourceID
    public var head: EventHead
    /// `nil` when the sender was refused.
    public var body: [UInt8]?
    /// The access rule that decided.
    public var rule: String
    /// The body names files.
    public var hasAttachments: Bool

    public init(source: SourceID, head: EventHead, body: [UInt8]?, rule: String, hasAttachments: Bool = false) {
        self.source = source
        self.head = head
        self.body = body
        self.rule = rule
        self.hasAttachments = hasAttachments
    }
}

/// How far a delivery has come. A storage contract: numbers are never reused.
public enum DeliveryState: Int64, Sendable, CaseIterable {
    case waiting = 0
    /// Committed before it was sent; every later send carries `redelivery`.
    case offered = 1
    /// On Claude Code's stdin; not yet known to be seen.
    case written = 2
    case seen = 3
    case answered = 4
    case passed = 5
    case done = 6
    case dead = 9

    public var word: String {
        switch self {
        case .waiting: return "stored"
        case .offered: return "offered"
        case .written: return "written"
        case .seen: return "seen"
        case .answered: return "answered"
        case .passed: return "passed"
        case .done: return "done"
        case .dead: return "dead"
        }
    }
}

/// An event that waits for a session, with all that is needed to deliver it.
public struct WaitingDelivery: Sendable {
    public var event: EventSequence
    public var source: SourceID
    public var head: EventHead
    public var body: [UInt8]
    public var offers: Int64
    /// The picture that came with it, once it is here.
    public var image: StoredFile?

    public init(
        event: EventSequence, source: SourceID, head: EventHead, body: [UInt8], offers: Int64, image: StoredFile? = nil
    ) {
        self.event = event
        self.source = source
        self.head = head
        self.body = body
        self.offers = offers
        self.image = image
    }
}

/// How far an outbox part has come. A storage contract.
public enum OutboxState: Int64, Sendable, CaseIterable {
    case queued = 0
    /// Committed before the adapter was told.
    case sending = 1
    case sent = 2
    case rejected = 3
    /// It may have been sent or not; never sent again silently.
    case unknown = 4
    /// A person gave it up.
    case dropped = 5

    public var word: String {
        switch self {
        case .queued: return "queued"
        case .sending: return "sending"
        case .sent: return "sent"
        case .rejected: return "rejected"
        case .unknown: return "unknown"
        case .dropped: return "dropped"
        }
    }
}

/// Something for an adapter to do, stored until it is known what became of it.
public struct OutboxPart: Sendable {
    public var id: Int64
    /// Under which the same call is the same part.
    public var key: String
    public var session: SessionID
    public var source: SourceID
    public var chat: String
    public var thread: String?
    public var replyTo: String?
    public var verb: String
    /// JSON.
    public var arguments: [UInt8]
    /// Of the text: the same one to the same chat within two minutes counts as the same reply.
    public var digest: Int64
    public var state: OutboxState
    public var attempts: Int64
    /// Wall clock, milliseconds.
    public var notBefore: Int64
    public var ids: [String]
    public var reason: String?
    public var created: Int64
    /// The first part of the same reply, which may be this one.
    public var reply: Int64
    /// From 1.
    public var ordinal: Int64
    /// Parts of the reply; 1 for all that is no reply.
    public var total: Int64
    /// At the first part of a reply: what it was asked to say, as JSON. The parts are made from it.
    public var asked: [UInt8]?

    public init(
        id: Int64 = 0, key: String, session: SessionID, source: SourceID, chat: String, thread: String?,
        replyTo: String?,
        verb: String, arguments: [UInt8], digest: Int64, state: OutboxState = .queued, attempts: Int64 = 0,
        notBefore: Int64 = 0, ids: [String] = [], reason: String? = nil, created: Int64,
        reply: Int64 = 0, ordinal: Int64 = 1, total: Int64 = 1, asked: [UInt8]? = nil
    ) {
        self.id = id
        self.key = key
        self.session = session
        self.source = source
        self.chat = chat
        self.thread = thread
        self.replyTo = replyTo
        self.verb = verb
        self.arguments = arguments
        self.digest = digest
        self.state = state
        self.attempts = attempts
        self.notBefore = notBefore
        self.ids = ids
        self.reason = reason
        self.created = created
        self.reply = reply
        self.ordinal = ordinal
        self.total = total
        self.asked = asked
    }
}

public struct SourceRecord: Sendable {
    public var id: SourceID
    public var name: SourceName
    /// JSON that only the adapter reads.
    public var cursor: [UInt8]?
    public var holder: Holder?
    /// JSON: what the adapter that was welcomed last can do.
    public var abilities: [UInt8]?

    /// The adapter process that was welcomed last.
    public struct Holder: Hashable, Sendable {
        public var instance: String
        public var pid: Int64
        public var since: Int64

        public init(instance: String, pid: Int64, since: Int64) {
            self.instance = instance
            self.pid = pid
            self.since = since
        }
    }

    public init(
        id: SourceID, name: SourceName, cursor: [UInt8]? = nil, holder: Holder? = nil, abilities: [UInt8]? = nil
    ) {
        self.id = id
        self.name = name
        self.cursor = cursor
        self.holder = holder
        self.abilities = abilities
    }
}

public struct SessionRecord: Sendable {
    public var id: SessionID
    public var label: String
    public var project: String
    public var incarnation: Int64
    /// The endpoint process that was last proved to have a real session behind it.
    public var instance: String?

    public init(id: SessionID, label: String, project: String, incarnation: Int64, instance: String? = nil) {
        self.id = id
        self.label = label
        self.project = project
        self.incarnation = incarnation
        self.instance = instance
    }
}

/// A conversation in the store's numbers.
public struct Place: Hashable, Sendable {
    public var source: SourceID
    public var chat: String
    public var thread: String?

    public init(source: SourceID, chat: String, thread: String?) {
        self.source = source
        self.chat = chat
        self.thread = thread
    }
}

/// One line of the audit: who decided or changed what, where, and by which rule. Never a message's text.
public struct AuditEntry: Hashable, Sendable {
    /// What happened, of a bounded set: `refused`, `paired`, `verdict`, `grant-used`, …
    public var kind: String
    /// Who did it: an address `source:id`, `operator`, or `router`.
    public var actor: String
    /// The conversation `source:chat/thread`, where there is one.
    public var conversation: String?
    /// The event `source:id` that led to it.
    public var event: String?
    /// The session's label.
    public var session: String?
    /// The rule that decided.
    public var rule: String?
    /// What was changed or asked for, bounded, without message text.
    public var detail: String?

    public init(
        kind: String, actor: String, conversation: String? = nil, event: String? = nil, session: String? = nil,
        rule: String? = nil, detail: String? = nil
    ) {
        self.kind = kind
        self.actor = actor
        self.conversation = conversation
        self.event = event
        self.session = session
        self.rule = rule
        self.detail = detail
    }
}
