/// What Claude wrote, as every platform can show it: readable plain text, and where it is bold, code, a link and so on.
public struct FormattedText: Hashable, Sendable {
    /// Laid out already: bullets, numbers, `> ` before quoted lines, tables aligned or as records.
    public var text: String
    /// In UTF-16 units of ``text``, sorted by start, the outer before the inner; never empty, never past the end.
    public var spans: [Span]

    public init(text: String, spans: [Span] = []) {
        self.text = text
        self.spans = spans
    }

    public struct Span: Hashable, Sendable {
        public var style: Style
        /// UTF-16 units from the start of the text.
        public var start: Int
        /// UTF-16 units.
        public var length: Int

        public var end: Int { start + length }

        public init(_ style: Style, start: Int, length: Int) {
            self.style = style
            self.start = start
            self.length = length
        }
    }

    public enum Style: Hashable, Sendable {
        case bold, italic, strike, code
        /// A block of code or an aligned table; the language as the fence names it.
        case pre(language: String?)
        case link(url: String)
        /// Covers its lines with their `> ` markers.
        case quote
        /// 1 to 6.
        case heading(level: Int)
    }

    /// The text for a platform that formats nothing: a link's address stands behind its words.
    public var plain: String {
        let links = spans.compactMap { span -> (end: Int, words: Int, url: String)? in
            guard case .link(let url) = span.style else { return nil }
            return (span.end, span.start, url)
        }.sorted { $0.end < $1.end }
        guard !links.isEmpty else { return text }
        let units = Array(text.utf16)
        var result = ""
        var position = 0
        for link in links {
            result += String(decoding: units[position..<link.end], as: UTF16.self)
            position = link.end
            let words = String(decoding: units[link.words..<link.end], as: UTF16.self)
            if words != link.url { result += " (\(link.url))" }
        }
        return result + String(decoding: units[position...], as: UTF16.self)
    }
}

extension FormattedText {
    /// The same with words before it, such as who speaks.
    public func prefixed(by words: String) -> FormattedText {
        guard !words.isEmpty else { return self }
        let length = words.utf16.count
        return FormattedText(
            text: words + text, spans: spans.map { Span($0.style, start: $0.start + length, length: $0.length) })
    }

    /// The same with plain words behind it.
    public func followed(by words: String) -> FormattedText { FormattedText(text: text + words, spans: spans) }
}
