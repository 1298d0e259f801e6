import AdapterKit

/// What a message says, as text, and the files in it. Pure.
enum MessageText {
    /// Kinds with a file, the more special first: an animation is also a document.
    private static let files = ["animation", "document", "audio", "voice", "video", "video_note", "sticker"]
    private static let others = [
        "venue", "location", "contact", "poll", "dice", "story", "checklist", "paid_media", "new_chat_members",
        "left_chat_member", "new_chat_title", "pinned_message", "forum_topic_created", "forum_topic_closed",
        "migrate_to_chat_id", "migrate_from_chat_id",
    ]

    static func read(_ message: JSONValue) -> String {
        var lines: [String] = []
        if let origin = message["forward_origin"] { lines.append("[forwarded from \(name(of: origin))]") }
        if let quote = message["quote"]?["text"]?.stringValue {
            lines += quote.split(separator: "\n").map { "> \($0)" }
        }
        if let text = message["text"]?.stringValue ?? message["caption"]?.stringValue {
            lines.append(text)
        } else {
            lines.append(placeholder(message))
        }
        return lines.joined(separator: "\n")
    }

    static func attachments(_ message: JSONValue) -> [Attachment] {
        if let photo = message["photo"]?.arrayValue?.last, let id = photo["file_id"]?.stringValue {
            return [Attachment(id: id, mediaType: "image/jpeg", size: photo["file_size"]?.integerValue)]
        }
        guard let file = files.lazy.compactMap({ message[$0] }).first, let id = file["file_id"]?.stringValue
        else { return [] }
        return [
            Attachment(
                id: id, name: file["file_name"]?.stringValue.map { FileName.safe($0) },
                mediaType: file["mime_type"]?.stringValue,
                size: file["file_size"]?.integerValue)
        ]
    }

    /// The file of a voice note.
    static func voice(_ message: JSONValue?) -> String? { message?["voice"]?["file_id"]?.stringValue }

    private static func placeholder(_ message: JSONValue) -> String {
        if message["photo"] != nil { return "[photo]" }
        if let kind = files.first(where: { message[$0] != nil }) {
            let emoji = message[kind]?["emoji"]?.stringValue.map { " \($0)" } ?? ""
            return "[\(words(kind))\(emoji)]"
        }
        guard let kind = others.first(where: { message[$0] != nil }), let value = message[kind] else {
            return "[\(unknown(message) ?? "message of an unknown kind")]"
        }
        switch kind {
        case "location", "venue":
            let place = kind == "venue" ? value["location"] : value
            let title = value["title"]?.stringValue.map { " \($0)" } ?? ""
            return "[\(kind)\(title) \(place?["latitude"]?.text ?? "?"),\(place?["longitude"]?.text ?? "?")]"
        case "contact":
            let name = value["first_name"]?.stringValue ?? ""
            return "[contact \(name) \(value["phone_number"]?.stringValue ?? "")]"
        case "poll":
            let options = (value["options"]?.arrayValue ?? []).compactMap { $0["text"]?.stringValue }
            return "[poll: \(value["question"]?.stringValue ?? "") \(options.joined(separator: " / "))]"
        case "migrate_to_chat_id", "migrate_from_chat_id":
            return "[\(words(kind)) \(value.integerValue.map { String($0) } ?? "?")]"
        default: return "[\(words(kind))]"
        }
    }

    /// What every message may have, whatever it says.
    private static let frame: Set<String> = [
        "message_id", "message_thread_id", "direct_messages_topic", "from", "sender_chat", "sender_boost_count",
        "sender_business_bot", "sender_tag", "date", "guest_query_id", "business_connection_id", "chat",
        "forward_origin",
        "is_topic_message", "is_automatic_forward", "reply_to_message", "external_reply", "quote", "reply_to_story",
        "reply_to_checklist_task_id", "via_bot", "edit_date", "has_protected_content", "is_from_offline",
        "is_paid_post", "media_group_id", "author_signature", "paid_star_count", "entities", "caption_entities",
        "link_preview_options", "effect_id", "show_caption_above_media", "has_media_spoiler", "reply_markup",
    ]

    /// The kind of a message that is newer than this program, as the server names it.
    private static func unknown(_ message: JSONValue) -> String? {
        let names = (message.objectValue ?? [:]).map(\.key)
        guard let name = names.first(where: { !frame.contains($0) }), (1...40).contains(name.utf8.count),
            name.utf8.allSatisfy({ (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5F })
        else { return nil }
        return words(name)
    }

    private static func words(_ kind: String) -> String { String(kind.map { $0 == "_" ? " " : $0 }) }

    private static func name(of origin: JSONValue) -> String {
        let names = [
            origin["sender_user"]?["first_name"], origin["sender_user_name"], origin["sender_chat"]?["title"],
            origin["chat"]?["title"],
        ]
        return names.lazy.compactMap { $0?.stringValue }.first ?? "somebody"
    }
}
