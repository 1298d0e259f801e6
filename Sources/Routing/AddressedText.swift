import ChannelEvents

/// The session that a text itself names: `@label text`, in groups also `@bot label: text`.
enum AddressedText {
    /// - Parameter mentionsUs: the first word may be the platform's way to name the bot.
    /// - Returns: what may be a label, the likelier one first; whether there is such a session the caller knows.
    static func labels(in text: String, mentionsUs: Bool) -> [String] {
        guard text.first == "@" || mentionsUs else { return [] }
        let words = text.split(maxSplits: 2, omittingEmptySubsequences: true) { $0.isWhitespace }
        // A label without a text addresses nobody: there is nothing to deliver.
        guard words.count >= 2 else { return [] }
        var labels: [String] = []
        if mentionsUs, words[1].hasSuffix(":"), words.count == 3 { append(words[1].dropLast(), to: &labels) }
        if text.first == "@" {
            let word = words[0].dropFirst()
            append(word.hasSuffix(":") ? word.dropLast() : word, to: &labels)
        }
        return labels
    }

    private static func append(_ word: Substring, to labels: inout [String]) {
        if SessionLabel.isValid(word) { labels.append(String(word)) }
    }

    /// Whether a body's text may begin with one of these; `true` where only parsing tells. Most messages are routed
    /// without being parsed.
    static func mayBegin(_ body: [UInt8], with wanted: [UInt8]) -> Bool {
        var rest = body[...]
        func take(_ token: StaticString) -> Bool {
            while let byte = rest.first, byte == 0x20 || (0x09...0x0D).contains(byte) { rest.removeFirst() }
            let bytes = UnsafeBufferPointer(start: token.utf8Start, count: token.utf8CodeUnitCount)
            guard rest.starts(with: bytes) else { return false }
            rest = rest.dropFirst(bytes.count)
            return true
        }
        guard take("{"), take("\"text\""), take(":"), take("\"") else { return true }
        guard let first = rest.first else { return true }
        return wanted.contains(first) || first == UInt8(ascii: "\\")
    }
}
