/// The name of one adapter instance: `webhook`, or a configured name such as `webhook-work`.
///
/// One to 32 of `a-z`, `0-9` and `-`, starting with a letter. A storage and protocol contract.
public struct SourceName: Hashable, Sendable, CustomStringConvertible {
    public let text: String

    /// `nil` when the text is not a source name.
    public init?(_ text: String) {
        guard (1...32).contains(text.utf8.count), let first = text.utf8.first, Self.isLetter(first),
            text.utf8.allSatisfy({ Self.isLetter($0) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "-") })
        else { return nil }
        self.text = text
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte) }

    public var description: String { text }
}

/// Where a reply can go. The text form is `source:chat` or `source:chat/thread`; in `chat`, `%` and `/` are
/// percent-encoded, so that the form can be read back.
public struct Conversation: Hashable, Sendable, CustomStringConvertible {
    public let source: SourceName
    /// The platform's id of the chat; only the adapter that made it reads it.
    public let chat: String
    /// The platform's id of a thread or topic inside the chat.
    public let thread: String?

    public init(source: SourceName, chat: String, thread: String? = nil) {
        self.source = source
        self.chat = chat
        self.thread = thread
    }

    /// Reads the text form; `nil` when it is not one.
    public init?(_ text: String) {
        guard let colon = text.firstIndex(of: ":"), let source = SourceName(String(text[..<colon])) else { return nil }
        let parts = text[text.index(after: colon)...].split(
            separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let chat = Self.decode(parts[0]), !chat.isEmpty else { return nil }
        self.source = source
        self.chat = chat
        if parts.count == 2 {
            guard !parts[1].isEmpty else { return nil }
            thread = String(parts[1])
        } else {
            thread = nil
        }
    }

    public var description: String {
        let chat = Self.encode(self.chat)
        return thread.map { "\(source.text):\(chat)/\($0)" } ?? "\(source.text):\(chat)"
    }

    private static func encode(_ chat: String) -> String {
        guard chat.utf8.contains(where: { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "%") }) else { return chat }
        return String(chat.flatMap { $0 == "%" ? Array("%25") : $0 == "/" ? Array("%2F") : [$0] })
    }

    private static func decode(_ text: Substring) -> String? {
        guard text.contains("%") else { return String(text) }
        var chat = ""
        var rest = text
        while let percent = rest.firstIndex(of: "%") {
            chat += rest[..<percent]
            let code = rest[percent...].prefix(3)
            switch code {
            case "%25": chat += "%"
            case "%2F": chat += "/"
            default: return nil
            }
            rest = rest[code.endIndex...]
        }
        return chat + rest
    }
}

/// The one id of an event that people, logs and Claude see: `source:id`.
public struct EventKey: Hashable, Sendable, CustomStringConvertible {
    public let source: SourceName
    /// The platform's identity of the thing, the same live and in backfill.
    public let id: String

    public init(source: SourceName, id: String) {
        self.source = source
        self.id = id
    }

    public init?(_ text: String) {
        guard let colon = text.firstIndex(of: ":"), let source = SourceName(String(text[..<colon])) else { return nil }
        let id = text[text.index(after: colon)...]
        guard !id.isEmpty else { return nil }
        self.init(source: source, id: String(id))
    }

    public var description: String { "\(source.text):\(id)" }
}
