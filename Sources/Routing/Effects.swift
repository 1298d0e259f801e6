public import AccessControl
public import BusProtocol
public import ChannelEvents
public import JSON
public import MessageBus
public import MessageStore

/// What the core wants done. The loop applies the changes in one transaction, commits, and only then sends.
public struct Effects: Sendable {
    public var changes: [StoreChange] = []
    public var messages: [Outgoing] = []
    /// Answered on a reader's thread.
    public var reads: [ReadRequest] = []
    /// Done on the file thread, after the commit.
    public var files: [FileTask] = []
    /// Lines for observers, after the commit.
    public var tap: [TapLine] = []
    /// The configuration should be read again.
    public var reload: ReadRequest.Asker?

    public init() {}

    public struct Outgoing: Sendable {
        public var link: LinkID
        public var message: RouterMessage
    }

    public struct TapLine: Sendable {
        public var topic: String
        public var line: JSONValue
    }

    mutating func send(_ message: RouterMessage, to link: LinkID) {
        messages.append(Outgoing(link: link, message: message))
    }
}

/// One change of the store.
public enum StoreChange: Sendable {
    case cursor(SourceID, [UInt8])
    case newSource(SourceID, SourceName)
    case holder(SourceID, SourceRecord.Holder?)
    case session(SessionRecord)
    case delivery(SessionID, EventSequence, DeliveryState, offers: Int64)
    case transition(SessionID, EventSequence, DeliveryState, offers: Int64, reason: String?)
    /// From the unassigned queue to a session, offered at once.
    case assignment(EventSequence, to: SessionID, DeliveryState, offers: Int64)
    case lastSession(Place, SessionID)
    case heard(SessionID, Place)
    case newPart(OutboxPart)
    case part(OutboxPart)
    case deadLetter(SourceID, reason: String)
    case audit(AuditEntry)
    case route(RouteChange)
    case access(AccessChange)
    case files(FileChange)
    case tools(ToolChange)
    case outbox(OutboxChange)
    case turn(TurnChange)
    case feed(FeedChange)
    case permission(PermissionChange)
}

/// A PUBLISH after access was decided, before it is known what is new.
public struct Judgement: Sendable {
    /// One per event, in order: what it may become, or why it cannot be stored at all.
    public var verdicts: [Verdict]
    /// The session whose message an event answers, by the event's index; known once admitted.
    public var speakers: [Int: SessionID] = [:]
    /// What still waits and is edited or deleted by an event, by the event's index; known once admitted.
    public var originals: [Int: WaitingOriginal] = [:]

    init(verdicts: [Verdict]) { self.verdicts = verdicts }

    public enum Verdict: Sendable {
        case storable(NewEvent, Decision)
        case faulty(String)
    }
}

/// What the core must know before it can decide on a message.
public enum Question: Sendable {
    /// Which of these events are new? Admits them.
    case admit(Judgement)
    /// Which key proves the source, and does the process that holds it still run?
    case greeting(source: SourceName?, pid: Int64?)
    /// Is this reply known, and may this session speak there?
    case reply(OutboxPart)
    /// What stands behind these dead letters; `nil` for all that can be tried again.
    case letters([LetterID]?, limit: Int)
    /// What is kept of these events, and to whom they were delivered?
    case replay(ReplayRequest)
    /// What waits for a session beyond the given event?
    case page(SessionID, after: EventSequence, limit: Int)
    /// The bodies of deliveries that are not in memory.
    case deliveries(SessionID, [EventSequence])
    case files(FileQuestion)
    case tools(ToolQuestion)
    case permission(PermissionQuestion)
}

public enum Fact: Sendable {
    case none
    /// The number of each event that was new.
    case admitted(Judgement, [EventSequence?])
    case greeting(key: String?, isRunning: Bool)
    /// All parts of a known reply, in order.
    case reply(known: [OutboxPart], hasHeard: Bool)
    case deliveries([WaitingDelivery])
    case files(FileFact)
    case tools(ToolFact)
    case letters(StoredLetters)
    case replay([StoredReplay])
    case permission(PermissionFact)
}

/// A question whose answer may take time.
public struct ReadRequest: Sendable {
    /// Who asked; the answer goes there if the link still stands.
    public struct Asker: Sendable {
        public var link: LinkID
        public var id: String
    }

    public enum Query: Sendable {
        case history(Place?, before: EventKey?, limit: Int)
        case messages(SessionID, Place, before: EventSequence?, limit: Int)
        case conversations(SessionID, limit: Int)
        case audit(before: Int64?, limit: Int)
        case deadLetters(limit: Int)
        /// Every event with the rule that decided it, newest first.
        case decisions(limit: Int)
        /// What became of an event.
        case explanation(EventKey)
        /// Is the audit's chain whole?
        case auditVerification
        /// What the core knows, to be completed with the store's figures.
        case status(JSONObject)
    }

    public var asker: Asker
    public var query: Query
}

/// What a reader found out, on its way back to the loop.
public struct ReadAnswer: Sendable {
    public var asker: ReadRequest.Asker
    public var outcome: Answer.Outcome
}
