import JSON

/// A request's parameters, whatever their form: JSON, a query, url-encoded, multipart.
struct RequestForm {
    struct File: Hashable, Sendable {
        var name: String
        var type: String?
        var bytes: [UInt8]
    }

    private(set) var values: JSONObject = [:]
    private(set) var files: [String: File] = [:]

    init(contentType: String, body: [UInt8], query: String) throws(Refusal) {
        addEncoded(query)
        let type = contentType.split(separator: ";").first.map { $0.lowercased() } ?? ""
        switch type {
        case _ where body.isEmpty: break
        case "application/json":
            do throws(JSONError) {
                for member in try JSONValue(parsing: body).objectValue ?? [:] { values[member.key] = member.value }
            } catch {
                throw Refusal(400, "Bad Request: can't parse JSON")
            }
        case "application/x-www-form-urlencoded": addEncoded(String(decoding: body, as: UTF8.self))
        case "multipart/form-data": try addParts(body, contentType)
        default: throw Refusal(400, "Bad Request: unsupported content type")
        }
    }

    // MARK: Values

    subscript(key: String) -> JSONValue? { values[key] }

    func text(_ key: String) -> String? { values[key]?.stringValue }

    /// Forms carry numbers as text.
    func integer(_ key: String) -> Int64? {
        values[key]?.integerValue ?? values[key]?.stringValue.flatMap { Int64($0) }
    }

    func flag(_ key: String) -> Bool {
        values[key]?.boolValue ?? ["true", "True", "1"].contains(values[key]?.stringValue)
    }

    /// Objects and lists: in forms they are JSON in a text.
    func json(_ key: String) throws(Refusal) -> JSONValue? {
        guard let value = values[key] else { return nil }
        guard case .string(let text) = value else { return value }
        do throws(JSONError) {
            return try JSONValue(parsing: text)
        } catch {
            throw Refusal(400, "Bad Request: can't parse \(key) JSON object")
        }
    }

    // MARK: Reading

    private mutating func addEncoded(_ text: String) {
        for pair in text.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            values[Self.decode(parts[0])] = .string(parts.count > 1 ? Self.decode(parts[1]) : "")
        }
    }

    private static func decode(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), rest.count >= 2,
                let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private mutating func addParts(_ body: [UInt8], _ contentType: String) throws(Refusal) {
        guard let start = contentType.range(of: "boundary=") else { throw Refusal(400, "Bad Request: no boundary") }
        let boundary = contentType[start.upperBound...].prefix { $0 != ";" }.filter { $0 != "\"" }
        let separator = Array("--\(boundary)".utf8)
        var rest = body[...]
        guard let first = rest.firstRange(of: separator) else { throw Refusal(400, "Bad Request: no parts") }
        rest = rest[first.upperBound...]
        while !rest.starts(with: Array("--".utf8)), let end = rest.firstRange(of: Array("\r\n".utf8) + separator) {
            add(part: rest[..<end.lowerBound].dropFirst(2))
            rest = rest[end.upperBound...]
        }
    }

    private mutating func add(part: ArraySlice<UInt8>) {
        guard let end = part.firstRange(of: Array("\r\n\r\n".utf8)) else { return }
        let head = String(decoding: part[..<end.lowerBound], as: UTF8.self)
        let bytes = Array(part[end.upperBound...])
        guard let name = Self.quoted("name", in: head) else { return }
        if let file = Self.quoted("filename", in: head) {
            let type = head.split(separator: "\r\n").first { $0.lowercased().hasPrefix("content-type:") }
            files[name] = File(
                name: file, type: type.map { String($0.dropFirst(13).drop { $0 == " " }) }, bytes: bytes)
        } else {
            values[name] = .string(String(decoding: bytes, as: UTF8.self))
        }
    }

    private static func quoted(_ name: String, in head: String) -> String? {
        for start in ["; \(name)=\"", ";\(name)=\""] {
            guard let range = head.range(of: start) else { continue }
            return String(head[range.upperBound...].prefix { $0 != "\"" })
        }
        return nil
    }
}

extension String {
    fileprivate func range(of text: String) -> Range<String.Index>? {
        guard let found = Array(utf8).firstRange(of: Array(text.utf8)) else { return nil }
        return utf8.index(
            utf8.startIndex, offsetBy: found.lowerBound)..<utf8.index(
                utf8.startIndex, offsetBy: found.upperBound)
    }
}
