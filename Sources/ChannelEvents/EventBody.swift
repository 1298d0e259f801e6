public import JSON

/// What an event carries and nobody on the way reads: text, names as the platform shows them, attachments.
public struct EventBody: Hashable, Sendable {
    public var text: String
    /// The sender's name as shown on the platform. For reading only; anyone can call himself anything.
    public var user: String?
    public var chatTitle: String?
    public var attachments: [Attachment]
    /// The platform's own object, for those who need more than the normalized form.
    public var original: JSONValue?

    public init(
        text: String, user: String? = nil, chatTitle: String? = nil, attachments: [Attachment] = [],
        original: JSONValue? = nil
    ) {
        self.text = text
        self.user = user
        self.chatTitle = chatTitle
        self.attachments = attachments
        self.original = original
    }
}

/// A file that belongs to an event; its bytes travel separately.
public struct Attachment: Hashable, Sendable {
    /// The platform's id, by which its adapter can fetch the bytes.
    public var id: String
    public var name: String?
    public var mediaType: String?
    /// In bytes, as the platform says.
    public var size: Int64?
    /// The platform gives the bytes for a while only: they are fetched when the event is accepted.
    public var expires: Bool

    public init(
        id: String, name: String? = nil, mediaType: String? = nil, size: Int64? = nil, expires: Bool = false
    ) {
        self.id = id
        self.name = name
        self.mediaType = mediaType
        self.size = size
        self.expires = expires
    }
}

/// One thing that happened on a platform, normalized.
public struct Event: Hashable, Sendable {
    public var head: EventHead
    public var body: EventBody

    public init(head: EventHead, body: EventBody) {
        self.head = head
        self.body = body
    }
}

extension EventBody {
    public var json: [UInt8] {
        var writer = JSONWriter(capacity: text.utf8.count + 128)
        writer.beginObject()
        writer.member("text", text)
        writer.member("user", user)
        writer.member("chat_title", chatTitle)
        if !attachments.isEmpty {
            writer.key("attachments")
            writer.beginArray()
            for attachment in attachments {
                writer.beginObject()
                writer.member("id", attachment.id)
                writer.member("name", attachment.name)
                writer.member("type", attachment.mediaType)
                writer.member("size", attachment.size)
                writer.flag("expires", attachment.expires)
                writer.endObject()
            }
            writer.endArray()
        }
        writer.member("original", original)
        writer.endObject()
        return writer.bytes
    }

    public init(json: some Collection<UInt8>) throws(JSONError) {
        self = try JSONReader.read(json) { reader throws(JSONError) in try EventBody(from: &reader) }
    }

    private init(from reader: inout JSONReader) throws(JSONError) {
        var text: String?
        var user: String?
        var chatTitle: String?
        var attachments: [Attachment] = []
        var original: JSONValue?
        try reader.beginObject()
        while let key = try reader.nextKey() {
            switch key {
            case "text": try reader.string(into: &text)
            case "user": try reader.string(into: &user)
            case "chat_title": try reader.string(into: &chatTitle)
            case "original": try reader.value(into: &original)
            case "attachments":
                try reader.beginArray()
                while try reader.nextElement() { attachments.append(try Attachment(from: &reader)) }
            default: try reader.skip()
            }
        }
        guard let text else { throw JSONError(.missingKey, expected: "text") }
        self.init(text: text, user: user, chatTitle: chatTitle, attachments: attachments, original: original)
    }

    /// What can be told of a body without making its values.
    public struct Survey: Hashable, Sendable {
        /// It names at least one file, as it seems.
        public var hasAttachments = false
    }

    /// Looks through the bytes once; `nil` unless they are one JSON object with one `text`, a string.
    public static func survey(_ json: [UInt8]) -> Survey? {
        let checked = json.withUnsafeBufferPointer { buffer in
            JSONReader.read(buffer: buffer) { reader throws(JSONError) -> Survey? in
                var text: String?
                var survey = Survey()
                try reader.beginObject()
                while let key = try reader.nextKey() {
                    switch key {
                    case "text": try reader.string(into: &text)
                    case "attachments": survey.hasAttachments = try reader.skip().count > 2
                    default: try reader.skip()
                    }
                }
                return text == nil ? nil : survey
            }
        }
        if case .success(let survey) = checked { return survey }
        return nil
    }

    public static func isValid(_ json: [UInt8]) -> Bool { survey(json) != nil }
}

extension Attachment {
    init(from reader: inout JSONReader) throws(JSONError) {
        var id: String?
        var name: String?
        var mediaType: String?
        var size: Int64?
        var expires = false
        try reader.beginObject()
        while let key = try reader.nextKey() {
            switch key {
            case "id": try reader.string(into: &id)
            case "name": try reader.string(into: &name)
            case "type": try reader.string(into: &mediaType)
            case "size": try reader.integer(into: &size)
            case "expires": expires = try reader.bool()
            default: try reader.skip()
            }
        }
        guard let id else { throw JSONError(.missingKey, expected: "id") }
        self.init(id: id, name: name, mediaType: mediaType, size: size, expires: expires)
    }
}
