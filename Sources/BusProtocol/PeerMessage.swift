public import ChannelEvents
public import JSON

/// What a peer says to the router.
public enum PeerMessage: Hashable, Sendable {
    case hello(Hello)
    /// Numbered: kept by the peer until the router's ACK covers its sequence.
    case numbered(Position, Numbered)
    /// A question that needs an ANSWER; asked again with the same id on a new link.
    case call(epoch: UInt64, Call)
    case query(epoch: UInt64, Call)
    case health(epoch: UInt64, Health)
    /// The peer wants bytes of a file that the router has.
    case fetch(epoch: UInt64, Fetch)
    /// Bytes of a file that the router asked for.
    case chunk(epoch: UInt64, Chunk)
    /// The router's numbered messages were taken up to here.
    case ack(Position)
    case heartbeat(epoch: UInt64)
    case bye(Bye)

    /// The messages that must not be lost.
    public enum Numbered: Hashable, Sendable {
        case publish(Publish)
        case receipt(Receipt)
        case result(CommandResult)
        case ask(PermissionRequest)
        case hook(HookReport)
    }
}

/// A place in a link's stream of numbered messages, which starts at 1 and has no gaps.
public struct Position: Hashable, Sendable {
    public var epoch: UInt64
    public var sequence: UInt64

    public init(epoch: UInt64, sequence: UInt64) {
        self.epoch = epoch
        self.sequence = sequence
    }
}

/// PUBLISH: events in order, and the cursor that the adapter would commit once they are.
public struct Publish: Hashable, Sendable {
    public var events: [PublishedEvent]
    /// JSON that only the adapter reads, stored with the events; `nil` leaves the cursor where it is.
    public var cursor: [UInt8]?

    public init(events: [PublishedEvent], cursor: [UInt8]? = nil) {
        self.events = events
        self.cursor = cursor
    }
}

/// An event on its way: the head to decide on, the body unread.
public struct PublishedEvent: Hashable, Sendable {
    /// `nil` when the head could not be read: the event is refused by its place, its batch goes on.
    public var head: EventHead?
    public var body: [UInt8]

    public init(head: EventHead?, body: [UInt8]) {
        self.head = head
        self.body = body
    }
}

/// RECEIPT: what became of deliveries and verdicts.
public struct Receipt: Hashable, Sendable {
    /// Deliveries written to Claude Code, in the order they were written.
    public var written: [Int64]
    /// Deliveries that could not be written, with a short code.
    public var failed: [Failure]
    /// Permission requests whose verdict was written to Claude Code.
    public var verdicts: [String]

    public struct Failure: Hashable, Sendable {
        public var delivery: Int64
        public var code: String

        public init(delivery: Int64, code: String) {
            self.delivery = delivery
            self.code = code
        }
    }

    public init(written: [Int64] = [], failed: [Failure] = [], verdicts: [String] = []) {
        self.written = written
        self.failed = failed
        self.verdicts = verdicts
    }
}

/// RESULT: how a COMMAND ended.
public struct CommandResult: Hashable, Sendable {
    public var key: String
    public var outcome: SendOutcome

    public init(key: String, outcome: SendOutcome) {
        self.key = key
        self.outcome = outcome
    }
}

/// How certain it is that something was sent.
public enum SendOutcome: Hashable, Sendable {
    /// The platform took it; its message ids, when it has any.
    case sent(ids: [String])
    /// The platform will never take it.
    case rejected(reason: String)
    /// Not now: try again after so many milliseconds.
    case retry(after: Int64, reason: String)
    /// It may have been sent or not. Never sent again silently.
    case unknown(reason: String)
}

/// ASK: Claude Code's permission prompt.
public struct PermissionRequest: Hashable, Sendable {
    public var request: String
    public var tool: String
    public var description: String
    public var preview: String

    public init(request: String, tool: String, description: String, preview: String) {
        self.request = request
        self.tool = tool
        self.description = description
        self.preview = preview
    }
}

/// HOOK: something that one of Claude Code's hooks told the endpoint.
///
/// Numbered, so that none is lost; ordered by ``at`` and ``prompt``, not by arrival: hooks run side by side.
public struct HookReport: Hashable, Sendable {
    /// Unique per endpoint process; an ANSWER names it where ``wantsAnswer``.
    public var id: String
    /// Claude Code's name for it: `UserPromptSubmit`, `PreToolUse`, `Stop`, …
    public var name: String
    /// When it began, in milliseconds since 1970.
    public var at: Int64
    /// Claude Code's `prompt_id`: the turn it belongs to.
    public var prompt: String?
    /// Claude Code's `session_id`; changes with `/clear`, so only a hint.
    public var session: String?
    /// Claude Code waits for what the router says; the endpoint does without it after a short time.
    public var wantsAnswer: Bool
    /// The members of the hook's JSON that the router reads, as ``HookMember`` names them.
    public var members: JSONValue

    public init(
        id: String, name: String, at: Int64, prompt: String? = nil, session: String? = nil, wantsAnswer: Bool = false,
        members: JSONValue = [:]
    ) {
        self.id = id
        self.name = name
        self.at = at
        self.prompt = prompt
        self.session = session
        self.wantsAnswer = wantsAnswer
        self.members = members
    }
}

/// The members of a hook that travel in ``HookReport/members``, by Claude Code's own names, and ``events``.
public enum HookMember {
    /// The ids of the channel events that a `UserPromptSubmit` carried (`source:id`); empty when a person typed it.
    public static let events = "events"
    public static let tool = "tool_name"
    public static let toolUse = "tool_use_id"
    /// Whole, with its line breaks; only this may be matched against a grant.
    public static let toolInput = "tool_input"
    public static let lastMessage = "last_assistant_message"
    public static let stopIsActive = "stop_hook_active"
    public static let reason = "reason"
    public static let source = "source"
    public static let notification = "notification_type"
}

/// CALL and QUERY: a name, arguments, and an id under which the ANSWER comes.
public struct Call: Hashable, Sendable {
    /// Unique per peer process; for a tool call the key under which the router stores the outcome.
    public var id: String
    public var name: String
    public var arguments: JSONValue

    public init(id: String, name: String, arguments: JSONValue) {
        self.id = id
        self.name = name
        self.arguments = arguments
    }
}

/// HEALTH: how an adapter stands with its platform.
public struct Health: Hashable, Sendable {
    public enum State: String, Sendable {
        case up
        /// Connected to the router, but its platform does not reach it.
        case deaf
        /// It cannot work until a person mends something.
        case failed
    }

    public var state: State
    public var reason: String?
    /// Chats whose held commands are worth trying now.
    public var resumed: [String]

    public init(state: State, reason: String? = nil, resumed: [String] = []) {
        self.state = state
        self.reason = reason
        self.resumed = resumed
    }
}

/// BYE: the link ends, and why.
public struct Bye: Hashable, Sendable {
    public var code: String
    public var message: String

    public init(code: String, message: String) {
        self.code = code
        self.message = message
    }

    public init(_ error: ProtocolError) {
        self.init(code: error.code.rawValue, message: error.message)
    }
}
