public import ChannelEvents
public import JSON

/// What the router says to a peer.
public enum RouterMessage: Hashable, Sendable {
    case welcome(Welcome)
    /// Numbered: a peer that sees a gap opens a new link.
    case numbered(Position, Numbered)
    case ack(Acknowledgement)
    case answer(Answer)
    /// The router wants bytes of a file that the peer has.
    case fetch(epoch: UInt64, Fetch)
    /// Bytes of a file that the peer asked for.
    case chunk(epoch: UInt64, Chunk)
    /// The router did not take a message: it is not the next one, or its sender is a stranger. Say HELLO.
    case reset(Reset)
    /// One message was refused by name; the link goes on.
    case error(Refusal)
    case heartbeat(epoch: UInt64)
    case bye(Bye)

    public enum Numbered: Hashable, Sendable {
        case deliver([Delivery])
        case command(PlatformCommand)
        case verdict(Verdict)
    }
}

/// ACK: numbered messages up to `position` are committed, except the events named here.
public struct Acknowledgement: Hashable, Sendable {
    public var position: Position
    public var refused: [RefusedEvent]
    /// A new credit, when it changed.
    public var credit: Credit?

    public init(position: Position, refused: [RefusedEvent] = [], credit: Credit? = nil) {
        self.position = position
        self.refused = refused
        self.credit = credit
    }
}

/// An event that was read and will not be delivered. It need not be sent again.
public struct RefusedEvent: Hashable, Sendable {
    /// The PUBLISH it came in, and its place there.
    public var sequence: UInt64
    public var index: Int
    /// `malformed`, `oversize`, `not-allowed`, …
    public var code: String

    public init(sequence: UInt64, index: Int, code: String) {
        self.sequence = sequence
        self.index = index
        self.code = code
    }
}

/// One event for one session.
public struct Delivery: Hashable, Sendable {
    /// Rises with the order of admission; unique within a session.
    public var id: Int64
    public var source: SourceName
    public var head: EventHead
    /// How often it was offered before: zero the first time.
    public var redelivery: Int64
    /// Its age in milliseconds, when it is old enough to be called stale.
    public var staleAge: Int64?
    /// How many events it stands for: an album, a paste that was split, the same alert again, a digest.
    public var count: Int64
    /// Where the picture that came with it lies on this machine; said by the router alone.
    public var image: String?
    public var body: [UInt8]

    public init(
        id: Int64, source: SourceName, head: EventHead, redelivery: Int64 = 0, staleAge: Int64? = nil, count: Int64 = 1,
        image: String? = nil, body: [UInt8]
    ) {
        self.id = id
        self.source = source
        self.head = head
        self.redelivery = redelivery
        self.staleAge = staleAge
        self.image = image
        self.count = count
        self.body = body
    }
}

/// COMMAND: something an adapter does on its platform.
public struct PlatformCommand: Hashable, Sendable {
    /// Names one try to send one outbox part; the RESULT names it. The same key again is the same command, not a second
    /// one; a try after `retry` has a key of its own.
    public var key: String
    public var verb: String
    public var chat: String
    public var thread: String?
    public var replyTo: String?
    /// An adapter that knows this key answers with what it knows.
    public var again: Bool
    /// Which try at its part this is, from 1; what was answered `retry` counts.
    public var attempt: Int64
    public var arguments: JSONValue

    public init(
        key: String, verb: String, chat: String, thread: String? = nil, replyTo: String? = nil, again: Bool = false,
        attempt: Int64 = 1, arguments: JSONValue
    ) {
        self.key = key
        self.verb = verb
        self.chat = chat
        self.thread = thread
        self.replyTo = replyTo
        self.again = again
        self.attempt = attempt
        self.arguments = arguments
    }
}

extension PlatformCommand {
    /// Names what is to be done, whichever try this is: the key without its try.
    public var work: String {
        guard attempt > 1, let mark = key.lastIndex(of: "#") else { return key }
        return String(key[..<mark])
    }
}

/// VERDICT: a person's answer to a permission request.
public struct Verdict: Hashable, Sendable {
    public var request: String
    public var allow: Bool

    public init(request: String, allow: Bool) {
        self.request = request
        self.allow = allow
    }
}

public struct Answer: Hashable, Sendable {
    public var epoch: UInt64
    public var id: String
    public var outcome: Outcome

    public enum Outcome: Hashable, Sendable {
        case success(JSONValue)
        case failure(code: String, message: String)
    }

    public init(epoch: UInt64, id: String, outcome: Outcome) {
        self.epoch = epoch
        self.id = id
        self.outcome = outcome
    }
}

public struct Reset: Hashable, Sendable {
    public enum Reason: String, Sendable {
        case gap, stranger, epoch
    }

    public var reason: Reason
    public var expected: UInt64?

    public init(reason: Reason, expected: UInt64? = nil) {
        self.reason = reason
        self.expected = expected
    }
}

public struct Refusal: Hashable, Sendable {
    public var code: String
    public var message: String
    /// The command that was refused, as far as it can be named.
    public var command: String

    public init(code: String, message: String, command: String) {
        self.code = code
        self.message = message
        self.command = command
    }
}
