import JSON

/// What the server takes as a message, and the words with which it refuses the rest.
enum MessageRules {
    static let textLimit = 4096
    static let captionLimit = 1024
    static let entityKinds: Set<String> = [
        "mention", "hashtag", "cashtag", "bot_command", "url", "email", "phone_number", "bold", "italic", "underline",
        "strikethrough", "spoiler", "blockquote", "expandable_blockquote", "code", "pre", "text_link", "text_mention",
        "custom_emoji",
    ]

    static func text(_ text: String?, limit: Int, canBeEmpty: Bool = false) throws(Refusal) -> String {
        let text = text ?? ""
        guard text.utf8.count <= 32_768 else { throw Refusal(400, "Bad Request: text is too long") }
        if !canBeEmpty, !text.contains(where: { !$0.isWhitespace }) {
            throw Refusal(400, "Bad Request: message text is empty")
        }
        // The real server counts scalars for bots.
        guard text.unicodeScalars.count <= limit else {
            throw Refusal(
                400,
                limit == textLimit ? "Bad Request: message is too long" : "Bad Request: message caption is too long")
        }
        return text
    }

    /// Checks entities as the server does: kinds, ranges, pairs; those beyond a hundred are dropped.
    static func entities(_ value: JSONValue?, in text: String) throws(Refusal) -> [JSONValue] {
        guard let value else { return [] }
        guard let entities = value.arrayValue else { throw Refusal(400, "Bad Request: can't parse entities") }
        let units = Array(text.utf16)
        for entity in entities {
            guard let kind = entity["type"]?.stringValue, entityKinds.contains(kind) else {
                throw Refusal(400, "Bad Request: can't parse entities: unsupported type specified")
            }
            guard let offset = entity["offset"]?.integerValue, let length = entity["length"]?.integerValue, offset >= 0,
                length > 0, offset + length <= units.count
            else { throw Refusal(400, "Bad Request: entity offset or length is out of range") }
            for edge in [Int(offset), Int(offset + length)] where edge < units.count && edge > 0 {
                if UTF16.isTrailSurrogate(units[edge]), UTF16.isLeadSurrogate(units[edge - 1]) {
                    throw Refusal(400, "Bad Request: entity splits a surrogate pair")
                }
            }
            if kind == "text_link" {
                guard let url = entity["url"]?.stringValue, url.contains(":") || url.contains(".") else {
                    throw Refusal(400, "Bad Request: can't parse entities: text_link needs an url")
                }
            }
        }
        for inner in entities where inner["type"] == "code" || inner["type"] == "pre" {
            for other in entities where other != inner && overlaps(inner, other) && !isQuote(other) {
                throw Refusal(400, "Bad Request: entities overlap a code entity")
            }
        }
        return Array(entities.prefix(100))
    }

    private static func isQuote(_ entity: JSONValue) -> Bool {
        entity["type"] == "blockquote" || entity["type"] == "expandable_blockquote"
    }

    private static func overlaps(_ left: JSONValue, _ right: JSONValue) -> Bool {
        let start = { (entity: JSONValue) in entity["offset"]?.integerValue ?? 0 }
        let end = { (entity: JSONValue) in start(entity) + (entity["length"]?.integerValue ?? 0) }
        return start(left) < end(right) && start(right) < end(left)
    }

    static func keyboard(_ value: JSONValue?) throws(Refusal) -> JSONValue? {
        guard let value, value != .object([:]) else { return nil }
        // Other keyboards are taken and shown to nobody.
        guard let rows = value["inline_keyboard"]?.arrayValue else { return nil }
        var count = 0
        for row in rows {
            guard let keys = row.arrayValue, keys.count <= 8 else { throw Refusal(400, "Bad Request: row is too long") }
            count += keys.count
            for key in keys {
                guard let label = key["text"]?.stringValue, !label.isEmpty else {
                    throw Refusal(400, "Bad Request: text buttons are unallowed in the inline keyboard")
                }
                if key["url"] != nil { continue }
                guard let data = key["callback_data"]?.stringValue, (1...64).contains(data.utf8.count) else {
                    throw Refusal(400, "Bad Request: BUTTON_DATA_INVALID")
                }
            }
        }
        guard count <= 100 else { throw Refusal(400, "Bad Request: too many buttons") }
        return rows.isEmpty ? nil : value
    }

    static let reactions: Set<String> = Set(
        """
        ❤ 👍 👎 🔥 🥰 👏 😁 🤔 🤯 😱 🤬 😢 🎉 🤩 🤮 💩 🙏 👌 🕊 🤡 🥱 🥴 😍 🐳 ❤‍🔥 🌚 🌭 💯 🤣 ⚡ 🍌 🏆 💔 🤨 😐 🍓 🍾 💋 🖕 😈 😴 😭 🤓 👻 \
        👨‍💻 👀 🎃 🙈 😇 😨 🤝 ✍ 🤗 🫡 🎅 🎄 ☃ 💅 🤪 🗿 🆒 💘 🙉 🦄 😘 💊 🙊 😎 👾 🤷‍♂ 🤷 🤷‍♀ 😡
        """.split(separator: " ").map(String.init))
}

/// A refusal of the Bot API.
struct Refusal: Error, Hashable, Sendable {
    var code: Int64
    var description: String
    var retryAfter: Int64?
    var migratedTo: Int64?

    init(_ code: Int64, _ description: String, retryAfter: Int64? = nil, migratedTo: Int64? = nil) {
        self.code = code
        self.description = description
        self.retryAfter = retryAfter
        self.migratedTo = migratedTo
    }

    var json: JSONValue {
        var answer: JSONObject = [
            "ok": false, "error_code": .integer(code), "description": .string(description),
        ]
        if let retryAfter { answer["parameters"] = ["retry_after": .integer(retryAfter)] }
        if let migratedTo { answer["parameters"] = ["migrate_to_chat_id": .integer(migratedTo)] }
        return .object(answer)
    }
}
