import BusProtocol
import ChannelEvents
import JSON
import ModelContextProtocol

/// The line that puts one delivery before Claude. Keys are `[A-Za-z_]`, values are strings: Claude Code drops other
/// keys, and with any other value the whole notification.
enum ChannelNotification {
    /// Why a delivery cannot be written; a bounded code for the receipt.
    enum Failure: String, Error {
        case malformed
    }

    static func line(_ delivery: Delivery) throws(Failure) -> [UInt8] {
        let head = delivery.head
        let chat = Conversation(source: delivery.source, chat: head.chat, thread: head.thread).description
        // The reply needs this value as it is, so it cannot be cleaned.
        guard AttributeText.identifier(chat) == chat else { throw .malformed }
        let body = try DeliveredBody(delivery.body)
        return OutgoingMessage.notification("notifications/claude/channel", capacity: delivery.body.count + 640) {
            writer in
            writer.beginObject()
            writer.member("content", TagNeutralizer.neutralize(body.text))
            writer.key("meta")
            writer.beginObject()
            writer.member("chat_id", chat)
            writeIdentity(delivery, body, &writer)
            writer.member("ts", Timestamp.text(milliseconds: head.time))
            if head.kind != .message { writer.member("kind", AttributeText.name(head.kind.rawValue, limit: 64)) }
            writer.member("reply_to", head.replyTo.map(AttributeText.identifier))
            writer.member("attachments", body.attachments)
            writer.member("image_path", delivery.image.map(AttributeText.identifier))
            if delivery.redelivery > 0 { writer.member("redelivery", String(delivery.redelivery)) }
            writer.member("stale", delivery.staleAge.map(Age.text(milliseconds:)))
            if delivery.count > 1 { writer.member("count", String(delivery.count)) }
            writer.endObject()
            writer.endObject()
        }
    }

    /// Who and what: from the head the router decided on, never from the body, except for names to read.
    private static func writeIdentity(_ delivery: Delivery, _ body: DeliveredBody, _ writer: inout JSONWriter) {
        let head = delivery.head
        let id = AttributeText.identifier(head.id)
        // Other kinds (an edit, a reaction) have an identity of their own, which is no message to answer.
        if head.kind == .message || head.kind == .alert { writer.member("message_id", id) }
        writer.member("event_id", "\(delivery.source.text):\(id)")
        writer.member("user", body.user.flatMap { AttributeText.name($0, limit: 64) })
        if !head.sender.isEmpty { writer.member("user_id", AttributeText.identifier(head.sender)) }
        writer.member("platform", delivery.source.text)
        writer.member("chat_title", body.chatTitle.flatMap { AttributeText.name($0, limit: 128) })
        writer.member("thread", head.thread.map(AttributeText.identifier))
    }
}

/// What a tag shows of an event's body. The platform's own object, often the larger part, is passed over unread.
struct DeliveredBody {
    let text: String
    var user: String?
    var chatTitle: String?
    /// Names of the attached files, or how many they are where they have none.
    var attachments: String?

    private static let namedAttachments = 8

    init(_ json: [UInt8]) throws(ChannelNotification.Failure) {
        do throws(JSONError) {
            self = try JSONReader.read(json) { reader throws(JSONError) in try DeliveredBody(from: &reader) }
        } catch {
            throw .malformed
        }
    }

    private init(from reader: inout JSONReader) throws(JSONError) {
        var text: String?
        var names: [String] = []
        var count = 0
        try reader.beginObject()
        while let key = try reader.nextKey() {
            switch key {
            case "text": try reader.string(into: &text)
            case "user": try reader.string(into: &user)
            case "chat_title": try reader.string(into: &chatTitle)
            case "attachments":
                try reader.beginArray()
                while try reader.nextElement() {
                    count += 1
                    if let name = try Self.attachmentName(&reader), names.count < Self.namedAttachments {
                        names.append(name)
                    }
                }
            default: try reader.skip()
            }
        }
        guard let text else { throw JSONError(.missingKey, expected: "text") }
        self.text = text
        guard count > 0 else { return }
        let unnamed = count - names.count
        if names.isEmpty {
            attachments = String(count)
        } else {
            attachments = names.joined(separator: ", ") + (unnamed > 0 ? " and \(unnamed) more" : "")
        }
    }

    private static func attachmentName(_ reader: inout JSONReader) throws(JSONError) -> String? {
        var name: String?
        try reader.beginObject()
        while let key = try reader.nextKey() {
            switch key {
            case "name": try reader.string(into: &name)
            default: try reader.skip()
            }
        }
        return name.flatMap { AttributeText.name($0, limit: 64) }
    }
}

/// How old something is, for reading: `45s`, `12m`, `3h`, `2d`.
enum Age {
    static func text(milliseconds: Int64) -> String {
        let seconds = max(0, milliseconds / 1000)
        switch seconds {
        case ..<60: return "\(seconds)s"
        case ..<3600: return "\(seconds / 60)m"
        case ..<172_800: return "\(seconds / 3600)h"
        default: return "\(seconds / 86_400)d"
        }
    }
}
