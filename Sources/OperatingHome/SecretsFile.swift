/// The form of `secrets.env`: `NAME=value` a line, `#` comments, an optional `export`, optional quotes. Nothing is
/// expanded: what stands there is the secret.
enum SecretsFile {
    static func parse(_ bytes: [UInt8], path: String) throws(HomeError) -> [String: String] {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw HomeError(.malformed, "\(path) is not UTF-8 text", path: path)
        }
        var values: [String: String] = [:]
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            var rest = trimmed(line)
            if rest.isEmpty || rest.hasPrefix("#") { continue }
            if rest.hasPrefix("export ") { rest = trimmed(rest.dropFirst(7)) }
            guard let equals = rest.firstIndex(of: "="), isName(trimmed(rest[..<equals])) else {
                throw HomeError(.malformed, "\(path), line \(index + 1): expected NAME=value", path: path)
            }
            values[String(trimmed(rest[..<equals]))] = unquoted(trimmed(rest[rest.index(after: equals)...]))
        }
        return values
    }

    /// The name that a line sets; `nil` for blank lines and comments.
    static func name(of line: Substring) -> String? {
        var rest = trimmed(line)
        if rest.hasPrefix("export ") { rest = trimmed(rest.dropFirst(7)) }
        guard !rest.hasPrefix("#"), let equals = rest.firstIndex(of: "=") else { return nil }
        return String(trimmed(rest[..<equals]))
    }

    private static func isName(_ text: Substring) -> Bool {
        guard let first = text.utf8.first, !(0x30...0x39).contains(first) else { return false }
        return text.utf8.allSatisfy {
            (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x5F
        }
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text
        while let first = text.first, first == " " || first == "\t" { text.removeFirst() }
        while let last = text.last, last.isWhitespace { text.removeLast() }
        return text
    }

    private static func unquoted(_ text: Substring) -> String {
        for quote in ["\"", "'"] where text.utf8.count >= 2 && text.hasPrefix(quote) && text.hasSuffix(quote) {
            return String(text.dropFirst().dropLast())
        }
        return String(text)
    }
}
