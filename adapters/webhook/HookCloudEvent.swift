import AdapterKit
import HTTPTypes

/// CloudEvents 1.0 over HTTP in its three forms. Pure.
struct HookCloudEvent: Hashable, Sendable {
    struct Malformed: Error, Hashable {
        let message: String
    }

    /// Most events of a batch.
    static let batchLimit = 64

    var id: String
    var source: String
    var type: String
    var subject: String?
    /// The envelope, data and all.
    var envelope: JSONValue

    /// - Returns: `nil` when the request is no CloudEvent.
    static func read(_ headers: HTTPFields, _ raw: [UInt8]) throws(Malformed) -> [HookCloudEvent]? {
        let type = headers[.contentType]?.lowercased() ?? ""
        // The batch's name begins with the single one's.
        if type.hasPrefix("application/cloudevents-batch") {
            guard let events = try parse(raw).arrayValue else { throw Malformed(message: "a batch is a JSON array") }
            guard events.count <= batchLimit else {
                throw Malformed(message: "a batch has at most \(batchLimit) events")
            }
            var read: [HookCloudEvent] = []
            for event in events { read.append(try HookCloudEvent(envelope: event)) }
            return read
        }
        if type.hasPrefix("application/cloudevents") { return [try HookCloudEvent(envelope: try parse(raw))] }
        guard headers[name("ce-specversion")] != nil, headers[name("ce-id")] != nil, headers[name("ce-source")] != nil,
            headers[name("ce-type")] != nil
        else { return nil }
        return [try binary(headers, raw)]
    }

    private static func name(_ text: String) -> HTTPField.Name { HTTPField.Name(text) ?? .contentType }

    private static func parse(_ raw: [UInt8]) throws(Malformed) -> JSONValue {
        do throws(JSONError) {
            return try JSONValue(parsing: raw)
        } catch {
            throw Malformed(message: "the body is not JSON: \(error)")
        }
    }

    init(envelope: JSONValue) throws(Malformed) {
        guard envelope["specversion"]?.stringValue == "1.0" else { throw Malformed(message: "specversion is not 1.0") }
        guard let id = envelope["id"]?.stringValue, !id.isEmpty, let source = envelope["source"]?.stringValue,
            !source.isEmpty, let type = envelope["type"]?.stringValue, !type.isEmpty
        else { throw Malformed(message: "id, source and type are required") }
        guard envelope["data"] == nil || envelope["data_base64"] == nil else {
            throw Malformed(message: "data and data_base64 exclude each other")
        }
        self.id = id
        self.source = source
        self.type = type
        subject = envelope.word("subject")
        self.envelope = envelope
    }

    private static func binary(_ headers: HTTPFields, _ raw: [UInt8]) throws(Malformed) -> HookCloudEvent {
        var envelope: JSONObject = [:]
        for field in headers {
            let name = field.name.canonicalName
            guard name.hasPrefix("ce-") else { continue }
            let key = String(name.dropFirst(3))
            guard key != "datacontenttype" else { throw Malformed(message: "ce-datacontenttype is not allowed") }
            guard !key.isEmpty, key.utf8.allSatisfy({ (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) }) else {
                throw Malformed(message: "an attribute's name has lower-case letters and digits only")
            }
            envelope[key] = .string(try decode(field.value))
        }
        if let type = headers[.contentType] { envelope["datacontenttype"] = .string(type) }
        if !raw.isEmpty {
            let form = HookBody.Form(contentType: headers[.contentType])
            if form == .json {
                envelope["data"] = try parse(raw)
            } else if let text = String(validating: raw, as: UTF8.self) {
                envelope["data"] = .string(text)
            } else {
                throw Malformed(message: "the data is not UTF-8")
            }
        }
        return try HookCloudEvent(envelope: .object(envelope))
    }

    /// Undoes double quotes, then one round of percent signs.
    private static func decode(_ value: String) throws(Malformed) -> String {
        var bytes = Array(value.utf8)
        if bytes.count >= 2, bytes.first == UInt8(ascii: "\""), bytes.last == UInt8(ascii: "\"") {
            var plain: [UInt8] = []
            var isEscaped = false
            for byte in bytes[1..<(bytes.count - 1)] {
                if byte == UInt8(ascii: "\\"), !isEscaped {
                    isEscaped = true
                } else {
                    plain.append(byte)
                    isEscaped = false
                }
            }
            bytes = plain
        }
        guard let text = HookForm.percentDecoded(bytes[...], plusIsSpace: false) else {
            throw Malformed(message: "an attribute is not UTF-8")
        }
        return text
    }

    var summary: HookSummary {
        HookSummary(
            [type, subject, "from", source].compactMap { $0 }.joined(separator: " "),
            identity: "ce:" + HookSummary.digest([source, id]))
    }
}

/// `application/x-www-form-urlencoded`, as some senders wrap their JSON in.
enum HookForm {
    /// The value of `payload=`, or `nil`.
    static func payload(_ raw: [UInt8]) -> [UInt8]? {
        for pair in raw.split(separator: UInt8(ascii: "&")) {
            guard pair.starts(with: Array("payload=".utf8)) else { continue }
            return percentDecoded(pair.dropFirst(8), plusIsSpace: true).map { Array($0.utf8) }
        }
        return nil
    }

    /// A percent sign that begins no pair of digits stands for itself. `nil` when what comes out is not UTF-8.
    static func percentDecoded(_ bytes: ArraySlice<UInt8>, plusIsSpace: Bool) -> String? {
        var plain: [UInt8] = []
        plain.reserveCapacity(bytes.count)
        var index = bytes.startIndex
        while index < bytes.endIndex {
            let byte = bytes[index]
            if byte == UInt8(ascii: "%"), index + 2 < bytes.endIndex,
                let value = HookDigits.hexadecimal(String(decoding: bytes[(index + 1)...(index + 2)], as: UTF8.self))
            {
                plain += value
                index += 3
            } else {
                plain.append(plusIsSpace && byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
                index += 1
            }
        }
        return String(validating: plain, as: UTF8.self)
    }
}
