import AdapterKit

/// What a request carries, made into an event's body. Pure.
enum HookBody {
    /// Longest body, in bytes.
    static let limit = 1 << 20

    enum Form: Hashable {
        case text, json

        /// The form a Content-Type stands for; `nil` for one that is not taken.
        init?(contentType: String?) {
            guard let contentType else {
                self = .text
                return
            }
            let parts = contentType.split(separator: ";").map { Self.trimmed($0).lowercased() }
            let charset = parts.dropFirst().first { $0.hasPrefix("charset=") }?.dropFirst(8)
            let unquoted = charset.map { $0.filter { $0 != "\"" } }
            if let unquoted, unquoted != "utf-8", unquoted != "us-ascii" { return nil }
            switch parts.first ?? "" {
            // What `curl -d` says of any text when nobody tells it otherwise; it is not taken apart.
            case "", "text/plain", "application/x-www-form-urlencoded": self = .text
            case "application/json": self = .json
            case let type where type.hasPrefix("application/") && type.hasSuffix("+json"): self = .json
            default: return nil
            }
        }

        private static func trimmed(_ text: Substring) -> Substring {
            var text = text
            while text.first == " " || text.first == "\t" { text.removeFirst() }
            while text.last == " " || text.last == "\t" { text.removeLast() }
            return text
        }
    }

    struct Unusable: Error, Hashable {
        /// The HTTP status.
        var status: Int
        var code: String
        var message: String
    }

    static func read(_ bytes: [UInt8], as form: Form) throws(Unusable) -> EventBody {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Unusable(status: 400, code: "encoding", message: "the body is not UTF-8")
        }
        guard text.utf8.contains(where: { $0 > 0x20 }) else {
            throw Unusable(status: 400, code: "empty", message: "the body is empty; there is nothing to say")
        }
        var body = EventBody(text: text)
        if form == .json {
            do throws(JSONError) {
                body.original = try JSONValue(parsing: bytes)
            } catch {
                throw Unusable(status: 400, code: "json", message: "the body is not JSON: \(error)")
            }
        }
        // Escapes can make the encoded form several times as long. The text holds all that the original does.
        if body.json.count > BusLimits.payloadBytes { body.original = nil }
        guard body.json.count <= BusLimits.payloadBytes else {
            throw Unusable(status: 413, code: "oversize", message: "the body is too large once encoded")
        }
        return body
    }

    /// What names the event within its route: the caller's own key, so that a repeated request is the same event, or a
    /// random one.
    /// - Returns: `nil` when the key is empty or longer than 128 bytes.
    static func identity(idempotencyKey: String?) -> String? {
        guard let idempotencyKey else { return RandomBytes.hexadecimal(count: 16) }
        guard (1...128).contains(idempotencyKey.utf8.count) else { return nil }
        let digits = Array("0123456789ABCDEF".utf8)
        var id = Array("key:".utf8)
        for byte in idempotencyKey.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
                id.append(byte)
            default: id += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: id, as: UTF8.self)
    }
}
