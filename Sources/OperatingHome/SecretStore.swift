/// Puts secrets into `secrets.env`; every other line stays as it is.
public enum SecretStore {
    /// - Throws: ``HomeError``: `malformed` for a value of several lines, `exposed` for a file that others can read.
    public static func put(_ name: String, _ value: String, places: Places) throws(HomeError) {
        guard !value.utf8.contains(where: { $0 == 0x0A || $0 == 0x0D || $0 == 0 }) else {
            throw HomeError(.malformed, "\(name): a secret is one line")
        }
        let bytes = try SystemFile.read(places.secretsFile, limit: 1 << 20, privately: true) ?? []
        _ = try SecretsFile.parse(bytes, path: places.secretsFile)
        var lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        if lines.last == "" { lines.removeLast() }
        lines.removeAll { SecretsFile.name(of: $0) == name }
        let needsQuotes =
            value.first?.isWhitespace == true || value.last?.isWhitespace == true
            || value.hasPrefix("\"") || value.hasPrefix("'")
        lines.append(needsQuotes ? "\(name)=\"\(value)\"" : "\(name)=\(value)")
        try PrivateFile.replace(places.secretsFile, Array((lines.joined(separator: "\n") + "\n").utf8))
    }
}
