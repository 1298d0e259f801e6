/// One message of the bus as it travels: a command, a JSON header, payloads.
public struct BusFrames: Hashable, Sendable {
    public var command: Command
    public var header: [UInt8]
    public var payloads: [[UInt8]]

    public init(_ command: Command, header: [UInt8], payloads: [[UInt8]] = []) {
        self.command = command
        self.header = header
        self.payloads = payloads
    }

    /// The multipart message, first frame first.
    public var parts: [[UInt8]] { [Array(command.rawValue.utf8), header] + payloads }

    /// Takes a multipart message apart and holds it to ``BusLimits``.
    public init(parts: [[UInt8]]) throws(ProtocolError) {
        guard let first = parts.first, parts.count >= 2 else {
            throw ProtocolError(.malformed, "a message has two frames at least")
        }
        guard first.count <= 16, let command = Command(rawValue: String(decoding: first, as: UTF8.self)) else {
            throw ProtocolError(.unknownCommand, "the router knows the commands in adapters/PROTOCOL.md")
        }
        guard parts.count <= BusLimits.parts else {
            throw ProtocolError(.oversize, "more than \(BusLimits.parts) frames")
        }
        var size = 0
        for part in parts { size += part.count }
        guard size <= BusLimits.messageBytes else {
            throw ProtocolError(.oversize, "over \(BusLimits.messageBytes) bytes")
        }
        guard parts[1].count <= BusLimits.headerBytes else {
            throw ProtocolError(.oversize, "a header over \(BusLimits.headerBytes) bytes")
        }
        self.init(command, header: parts[1], payloads: Array(parts.dropFirst(2)))
    }

    /// All bytes of the message.
    public var size: Int { payloads.reduce(command.rawValue.utf8.count + header.count) { $0 + $1.count } }
}

public enum Command: String, Sendable, CaseIterable {
    // From a peer to the router.
    case hello = "HELLO", publish = "PUBLISH", receipt = "RECEIPT", result = "RESULT", ask = "ASK"
    case hook = "HOOK", call = "CALL", query = "QUERY", health = "HEALTH"
    // From the router to a peer.
    case welcome = "WELCOME", deliver = "DELIVER", command = "COMMAND", verdict = "VERDICT", answer = "ANSWER"
    case reset = "RESET", error = "ERROR"
    // Both ways.
    case ack = "ACK", heartbeat = "HEARTBEAT", bye = "BYE", fetch = "FETCH", chunk = "CHUNK"
}

/// Limits that both sides hold; past them a message is refused by name.
public enum BusLimits {
    /// The protocol version this build speaks; the router also speaks the one before.
    public static let version: Int64 = 1
    /// Events in one PUBLISH, deliveries in one DELIVER.
    public static let batch = 256
    public static let parts = 2 + batch
    public static let headerBytes = 1 << 20
    /// One payload: an event's body, the arguments of a call.
    public static let payloadBytes = 2 << 20
    public static let messageBytes = 4 << 20
    /// Bytes of a file in one CHUNK.
    public static let chunkBytes = 256 << 10
    /// A transport closes the connection of a peer that sends a larger frame.
    public static let hardFrameBytes: Int64 = 8 << 20
    /// A peer that was not heard for this long is gone, in milliseconds.
    public static let silence: Int64 = 10_000
    /// Time between two heartbeats, in milliseconds.
    public static let heartbeat: Int64 = 2_000
}

/// A message that is refused. The text is ours, never the peer's.
public struct ProtocolError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Short and bounded, fit for a counter's label; travels as `code` in ERROR and BYE.
    public enum Code: String, Sendable, CaseIterable {
        case malformed, oversize, unknownCommand = "unknown-command", unexpected, version
        case sourceTaken = "source-taken", sourceKey = "source-key", sourceName = "source-name", fenced, role
        case notAllowed = "not-allowed", unavailable, notFound = "not-found", storeFull = "store-full"
        case shuttingDown = "shutting-down", flood
    }

    public let code: Code
    public let message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { "\(code.rawValue): \(message)" }
}
