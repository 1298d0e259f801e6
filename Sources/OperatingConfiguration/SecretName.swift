/// Whether an adapter's setting holds a secret, by its name: a literal there is refused even though only the adapter
/// knows the key.
enum SecretName {
    static func matches(_ name: String) -> Bool {
        let lower = name.lowercased()
        if lower.hasPrefix("public") { return false }
        return words.contains { lower == $0 || lower.hasSuffix("_" + $0) }
    }

    private static let words = [
        "token", "secret", "password", "passphrase", "secret_key", "api_key", "private_key", "access_key",
        "signing_key",
    ]
}
