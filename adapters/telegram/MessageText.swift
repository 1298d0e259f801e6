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
                id: id, name: file["file_name"]?.stringValue.map(plainName), mediaType: file["mime_type"]?.stringValue,
                size: file["file_size"]?.integerValue)
        ]
    }

    /// A file's name without folders, control characters or a dot in front.
    static func plainName(_ name: String) -> String {
        let last = name.split(whereSeparator: { $0 == "/" || $0 == "\\" }).last ?? ""
        let scalars = last.unicodeScalars.filter { $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value) }
        let plain = String(String.UnicodeScalarView(scalars)).drop { $0 == "." }
        return plain.isEmpty ? "file" : String(plain.prefix(120))
    }

    private static func placeholder(_ message: JSONValue) -> String {
        if message["photo"] != nil { return "[photo]" }
        if let kind = files.first(where: { message[$0] != nil }) {
            let emoji = message[kind]?["emoji"]?.stringValue.map { " \($0)" } ?? ""
            return "[\(words(kind))\(emoji)]"
        }
        guard let kind = others.first(where: { message[$0] != nil }), let value = message[kind] else {
            return "[message of an unknown kind]"
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

    private static func words(_ kind: String) -> String { String(kind.map { $0 == "_" ? " " : $0 }) }

    private static func name(of origin: JSONValue) -> String {
        let names = [
            origin["sender_user"]?["first_name"], origin["sender_user_name"], origin["sender_chat"]?["title"],
            origin["chat"]?["title"],
        ]
        return names.lazy.compactMap { $0?.stringValue }.first ?? "somebody"
    }
}
