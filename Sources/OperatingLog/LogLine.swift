import ChannelEvents
import JSON
import Logging

/// One line of a log, as text and as JSON. Pure.
struct LogLine {
    var milliseconds: Int64
    var level: Logger.Level
    var label: String
    var message: String
    var metadata: Logger.Metadata

    /// `time level process message key=value …`; a value with spaces is quoted as JSON, so a line stays one line.
    var text: String {
        var line =
            "\(Timestamp.text(milliseconds: milliseconds)) \(padded(level.rawValue)) \(label): \(escaped(message))"
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
            line += " \(escaped(key))=\(quoted(plain(key, value)))"
        }
        return line
    }

    var json: String {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("time", Timestamp.text(milliseconds: milliseconds))
        writer.member("level", level.rawValue)
        writer.member("process", label)
        writer.member("message", message)
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
            writer.member(Self.ownMembers.contains(key) ? "meta_\(key)" : key, Self.value(key, value))
        }
        writer.endObject()
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    private static let ownMembers: Set<String> = ["time", "level", "process", "message"]

    private static func value(_ key: String, _ value: Logger.Metadata.Value) -> JSONValue {
        if Secret.isName(key) { return .string(Secret.redacted) }
        switch value {
        case .string(let text): return .string(text)
        case .stringConvertible(let number as any BinaryInteger):
            return Int64(exactly: number).map(JSONValue.integer) ?? .string("\(number)")
        case .stringConvertible(let value): return .string(value.description)
        case .array(let elements): return .array(elements.map { Self.value("", $0) })
        case .dictionary(let members):
            return .object(
                JSONObject(
                    members.sorted { $0.key < $1.key }.map {
                        JSONObject.Member(key: $0.key, value: Self.value($0.key, $0.value))
                    }))
        }
    }

    private func plain(_ key: String, _ value: Logger.Metadata.Value) -> String {
        let value = Self.value(key, value)
        return value.stringValue ?? value.text
    }

    private func quoted(_ text: String) -> String {
        let isPlain = !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x22 && $0 != 0x7F }
        return isPlain ? text : JSONValue.string(text).text
    }

    /// A message is ours, but an error's description may quote others: no control character may forge a line.
    private func escaped(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else { return text }
        return String(
            String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? " " : $0 }))
    }

    private func padded(_ text: String) -> String {
        text + String(repeating: " ", count: max(0, 7 - text.utf8.count))
    }
}
