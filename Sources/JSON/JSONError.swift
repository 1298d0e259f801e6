/// Why a text is not the JSON that was expected. Carries a place, never content.
public struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A short, bounded code, fit for a counter's label.
    public enum Code: String, Sendable {
        case syntax, unexpectedEnd = "unexpected-end", wrongType = "wrong-type", depth
        case encoding, duplicateKey = "duplicate-key", missingKey = "missing-key", range
    }

    public let code: Code
    /// Bytes before the place of the error.
    public let offset: Int
    /// The key or type that was expected, from our own vocabulary.
    public let expected: String?

    public init(_ code: Code, offset: Int = 0, expected: String? = nil) {
        self.code = code
        self.offset = offset
        self.expected = expected
    }

    public var description: String {
        "JSON \(code.rawValue) at byte \(offset)" + (expected.map { ", expected \($0)" } ?? "")
    }
}
