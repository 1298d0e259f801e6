import JSON
import Synchronization

/// Files, both ways.
extension BotPlatform {
    static let downloadLimit: Int64 = 20 << 20
    static let uploadLimit = 50 << 20
    static let photoLimit = 10 << 20

    static func getFile(_ form: RequestForm, _ state: inout State) throws(Refusal) -> JSONValue {
        guard let id = form.text("file_id"), let file = state.files[id] else {
            throw Refusal(400, "Bad Request: wrong file_id or the file is temporarily unavailable")
        }
        var path = file.path
        if let folder = state.filesFolder {
            path = "\(folder)/\(file.path)"
        } else if file.size > downloadLimit {
            throw Refusal(400, "Bad Request: file is too big")
        }
        return [
            "file_id": .string(id), "file_unique_id": .string("u\(id)"), "file_size": .integer(file.size),
            "file_path": .string(path),
        ]
    }

    /// What `/file/bot<token>/<path>` gives.
    func file(at path: String) -> [UInt8]? {
        state.withLock { state in state.files.values.first { $0.path == path }?.bytes }
    }

    func bytes(of id: String) -> [UInt8]? { state.withLock { $0.files[id]?.bytes } }

    /// Stores a file as an upload does.
    static func store(
        _ bytes: [UInt8], name: String, type: String?, kind: String, size: Int64? = nil, _ state: inout State
    ) -> String {
        state.lastNumber += 1
        let id = "file\(state.lastNumber)"
        let ending = name.split(separator: ".").last.map { ".\($0)" } ?? ""
        state.files[id] = StoredFile(
            path: "\(kind)s/file_\(state.lastNumber)\(ending)", name: name, type: type, bytes: bytes,
            size: size ?? Int64(bytes.count))
        return id
    }

    static func sendFile(_ kind: String, _ form: RequestForm, _ state: inout State, _ now: Int64) throws(Refusal)
        -> JSONValue
    {
        _ = try state.chat(form)
        let caption = try MessageRules.text(form.text("caption"), limit: MessageRules.captionLimit, canBeEmpty: true)
        let id = try stored(kind, form.text(kind), form, &state)
        var content: JSONObject = [kind: show(id, as: kind, state)]
        if !caption.isEmpty { content["caption"] = .string(caption) }
        return try post(content, try formatting(form, caption, "caption_entities"), form, &state, now)
    }

    static func sendMediaGroup(_ form: RequestForm, _ state: inout State, _ now: Int64) throws(Refusal) -> JSONValue {
        _ = try state.chat(form)
        guard let media = try form.json("media")?.arrayValue, (2...10).contains(media.count) else {
            throw Refusal(400, "Bad Request: media group must include 2-10 items")
        }
        let kinds = Set(media.compactMap { $0["type"]?.stringValue })
        guard kinds.isSubset(of: ["photo", "video"]) || kinds == ["document"] || kinds == ["audio"] else {
            throw Refusal(400, "Bad Request: document and audio can be grouped only among their own kind")
        }
        var contents: [(JSONObject, JSONObject)] = []
        state.lastNumber += 1
        let group = String(state.lastNumber)
        for item in media {
            let kind = item["type"]?.stringValue ?? ""
            let caption = try MessageRules.text(
                item["caption"]?.stringValue, limit: MessageRules.captionLimit, canBeEmpty: true)
            let entities = try MessageRules.entities(item["caption_entities"], in: caption)
            let id = try stored(kind, item["media"]?.stringValue, form, &state)
            var content: JSONObject = [kind: show(id, as: kind, state), "media_group_id": .string(group)]
            if !caption.isEmpty { content["caption"] = .string(caption) }
            contents.append((content, entities.isEmpty ? [:] : ["caption_entities": .array(entities)]))
        }
        var messages: [JSONValue] = []
        for (content, formatting) in contents { messages.append(try post(content, formatting, form, &state, now)) }
        return .array(messages)
    }

    /// The id of a file that a call sends: an upload under the field's own name or `attach://`, or one the server has.
    private static func stored(_ kind: String, _ value: String?, _ form: RequestForm, _ state: inout State)
        throws(Refusal)
        -> String
    {
        if let value, state.files[value] != nil { return value }
        let field = value.flatMap { $0.hasPrefix("attach://") ? String($0.dropFirst(9)) : nil } ?? kind
        guard let file = form.files[field] else {
            throw Refusal(400, "Bad Request: there is no \(kind) in the request")
        }
        guard !file.bytes.isEmpty else { throw Refusal(400, "Bad Request: file must be non-empty") }
        guard file.bytes.count <= (kind == "photo" ? photoLimit : uploadLimit) else {
            throw Refusal(413, "Request Entity Too Large")
        }
        return store(file.bytes, name: file.name, type: file.type, kind: kind, &state)
    }

    /// How a message shows a file.
    static func show(_ id: String, as kind: String, _ state: State) -> JSONValue {
        guard let file = state.files[id] else { return nil }
        var object: JSONObject = [
            "file_id": .string(id), "file_unique_id": .string("u\(id)"), "file_size": .integer(file.size),
        ]
        switch kind {
        case "photo":
            object["width"] = 800
            object["height"] = 600
            var small = object
            small["file_id"] = .string("\(id)-small")
            small["width"] = 80
            small["height"] = 60
            small["file_size"] = .integer(min(file.size, 1000))
            return [.object(small), .object(object)]
        case "voice", "audio", "video", "animation":
            object["duration"] = 3
            if kind == "video" || kind == "animation" {
                object["width"] = 320
                object["height"] = 240
            }
        default: break
        }
        if kind != "voice" { object["file_name"] = .string(file.name) }
        if let type = file.type { object["mime_type"] = .string(type) }
        return .object(object)
    }
}
