import CMarkGFM
public import FormattedText
import Synchronization

extension FormattedText {
    /// Past so many bytes Markdown is not parsed; it goes out as it was written.
    public static let markdownLimit = 400_000
    /// Cells that tables may have by the count of lines and bars. libcmark-gfm fills rows up to the header's width, so
    /// that a wide header over many short rows would cost the product of both.
    static let cellLimit = 20_000

    /// Reads GitHub's Markdown; whatever the input is, its words are kept.
    /// - Parameter tableWidth: columns that the platform shows in monospace; a wider table becomes records.
    public init(markdown: String, tableWidth: Int = 40) {
        guard markdown.utf8.count <= Self.markdownLimit else {
            self.init(text: markdown)
            return
        }
        self =
            Self.parsing.withLock { _ in Self.parse(markdown, tableWidth: tableWidth) } ?? FormattedText(text: markdown)
    }

    /// libcmark-gfm marks the characters of its extensions in a table of the whole process while it parses.
    private static let parsing = Mutex(())

    private static func parse(_ markdown: String, tableWidth: Int) -> FormattedText? {
        _ = extensionsAreRegistered
        guard let parser = cmark_parser_new(CMARK_OPT_DEFAULT) else { return nil }
        defer { cmark_parser_free(parser) }
        for name in ["strikethrough", "tasklist"] + (hasBoundedTables(markdown) ? ["table"] : []) {
            if let found = cmark_find_syntax_extension(name) {
                _ = cmark_parser_attach_syntax_extension(parser, found)
            }
        }
        var source = markdown
        source.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) { cmark_parser_feed(parser, $0.baseAddress, $0.count) }
        }
        guard let document = cmark_parser_finish(parser) else { return nil }
        defer { cmark_node_free(document) }
        var layout = MarkdownLayout(tableWidth: tableWidth)
        layout.walk(document)
        return layout.finished()
    }

    /// libcmark-gfm keeps a list of its extensions that it fills without a lock: once, here.
    private static let extensionsAreRegistered: Bool = {
        cmark_gfm_core_extensions_ensure_registered()
        return true
    }()

    static func hasBoundedTables(_ markdown: String) -> Bool {
        var lines = 1
        var bars = 0
        var most = 0
        for byte in markdown.utf8 {
            switch byte {
            case UInt8(ascii: "|"):
                bars += 1
                most = max(most, bars)
            case UInt8(ascii: "\n"), UInt8(ascii: "\r"):
                lines += 1
                bars = 0
            default: break
            }
        }
        return (most + 1) * lines <= cellLimit
    }
}
