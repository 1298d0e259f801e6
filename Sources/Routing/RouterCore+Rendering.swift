import BusProtocol
import FormattedText
import JSON
import Markdown
import MessageStore

/// What Claude wrote, as a platform can show it.
extension RouterCore {
    /// Markdown as text and spans. A source whose adapter formats nothing gets the text alone, links written out, tables
    /// as records: without a monospace font nothing is aligned.
    func rendered(markdown: String, for source: SourceID) -> FormattedText {
        let abilities = abilities(of: source)
        let isFormatting = abilities?.features.contains("formatting") ?? false
        let columns = abilities?.columns.map { Int(clamping: $0) } ?? (isFormatting ? Self.usualColumns : 0)
        let whole = FormattedText(markdown: markdown, tableWidth: columns)
        // Markdown can say nothing at all: a definition that nobody refers to. Better its source than silence.
        guard !whole.isBlank else { return FormattedText(text: markdown) }
        return isFormatting ? whole : FormattedText(text: whole.plain)
    }

    /// A text as messages that a source takes. White space that would be a message of its own is left out.
    func messages(_ whole: FormattedText, for source: SourceID) -> [FormattedText] {
        let abilities = abilities(of: source)
        guard abilities?.textLimit != nil || abilities?.spanLimit != nil else { return [whole] }
        let parts = whole.split(
            limit: abilities?.textLimit.map { Int(clamping: $0) } ?? .max,
            spans: abilities?.spanLimit.map { Int(clamping: $0) } ?? .max)
        return parts.filter { !$0.isBlank }
    }

    /// A text that has to be one message, such as an edit: what does not fit is cut off, and three dots say so.
    func oneMessage(_ whole: FormattedText, for source: SourceID) -> FormattedText {
        let limit = abilities(of: source)?.textLimit.map { Int(clamping: $0) } ?? .max
        let parts = messages(whole, for: source)
        guard parts.count > 1 || whole.text.utf16.count > limit, let first = parts.first else { return whole }
        guard limit > 8 else { return first }
        var cut = FormattedText(text: first.text, spans: first.spans).split(limit: limit - 2)[0]
        cut.text += " …"
        return cut
    }

    /// What the adapter of a source can do; while it is away, what it said last. `nil` when it never came.
    func abilities(of source: SourceID) -> Abilities? { sourceNames[source].flatMap { sources[$0]?.abilities } }

    private static let usualColumns = 40
}

extension FormattedText {
    /// Nothing to see.
    var isBlank: Bool { text.unicodeScalars.allSatisfy(\.properties.isWhitespace) }
}
