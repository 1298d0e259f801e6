/// One thing that is wrong, where, and what mends it. Never carries a value that could be a secret.
public struct ConfigurationProblem: Hashable, Sendable {
    /// A short, bounded code.
    public enum Code: String, Sendable, CaseIterable {
        case syntax, file
        case unknownKey = "unknown-key"
        case duplicateKey = "duplicate-key"
        case missingKey = "missing-key"
        case badValue = "bad-value"
        case notSupported = "not-supported"
        case literalSecret = "literal-secret"
    }

    public let code: Code
    /// The path of the key, such as `adapters.webhook.token`; empty for the whole file.
    public let key: String
    public let message: String
    /// Both start at 1.
    public let line: Int
    public let column: Int

    public init(_ code: Code, key: String, _ message: String, line: Int = 1, column: Int = 1) {
        self.code = code
        self.key = key
        self.message = message
        self.line = line
        self.column = column
    }

    public var text: String { key.isEmpty ? message : "\(key): \(message)" }
}
