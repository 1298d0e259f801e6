import JSON
import Yams

/// Plain scalars by the core schema of YAML 1.2: `yes`, `on`, `1:30` and `012` are texts, whatever YAML 1.1 made of them.
enum YAMLScalar {
    static func value(_ node: Node) -> JSONValue {
        guard case .scalar(let scalar) = node else { return .null }
        guard scalar.style == .plain || scalar.style == .any else { return .string(scalar.string) }
        switch scalar.string {
        case "", "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE": return .bool(true)
        case "false", "False", "FALSE": return .bool(false)
        default: return number(scalar.string) ?? .string(scalar.string)
        }
    }

    static func isNothing(_ node: Node) -> Bool {
        guard case .scalar = node else { return false }
        return value(node) == .null
    }

    private static func number(_ text: String) -> JSONValue? {
        let digits = text.utf8.drop { $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "+") }
        guard let first = digits.first, (0x30...0x39).contains(first), text.utf8.count - digits.count <= 1 else {
            return nil
        }
        if digits.allSatisfy({ (0x30...0x39).contains($0) }) {
            // An id with leading zeros, or too long for a number, keeps its digits.
            if first == 0x30 && digits.count > 1 { return nil }
            return Int64(text).map(JSONValue.integer)
        }
        let isDecimal = digits.allSatisfy {
            (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "e") || $0 == UInt8(ascii: "E")
                || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "+")
        }
        guard isDecimal, let number = Double(text), number.isFinite else { return nil }
        return .number(number)
    }
}
