/// A value that must not be shown. Wherever it is printed or logged it reads `[redacted]`.
public struct Secret: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The secret itself. The one place where it comes out is visible in the code.
    public let revealed: String

    public init(_ revealed: String) { self.revealed = revealed }

    public static let redacted = "[redacted]"
    public var description: String { Self.redacted }
    public var debugDescription: String { Self.redacted }
    public var customMirror: Mirror { Mirror(self, children: []) }

    /// Whether a key says that its value is secret: `token`, `source_key`, `clientSecret`, …
    public static func isName(_ key: String) -> Bool {
        let lower = key.lowercased()
        return words.contains { lower.hasSuffix($0) }
    }

    private static let words = ["token", "secret", "password", "passphrase", "key", "authorization", "cookie"]
}
