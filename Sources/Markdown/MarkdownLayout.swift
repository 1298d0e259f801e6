import CMarkGFM
import FormattedText

/// Lays a parsed document out as text and spans. Walks with an iterator: nesting may be as deep as the text is long.
struct MarkdownLayout {
    private let tableWidth: Int
    private var text = ""
    private var length = 0
    private var spans: [FormattedText.Span] = []
    /// Starts of the styled nodes that are open.
    private var starts: [Int] = []
    /// What each open quote and list item puts before a further line of its own.
    private var prefixes: [String] = []
    private var lists: [(next: Int?, isTight: Bool)] = []
    /// Line breaks that the next words need before them.
    private var breaks = 0
    /// Where the words of a list item or a quote begin: no break between the marker and them.
    private var blockStart = 0

    /// Deeper quotes and lists are not indented further: each line would grow with the depth.
    private static let depthLimit = 8

    init(tableWidth: Int) { self.tableWidth = tableWidth }

    consuming func finished() -> FormattedText {
        // The outer before the inner; both may begin at the same place.
        let sorted = spans.enumerated().sorted {
            ($0.element.start, -$0.element.length, -$0.offset) < ($1.element.start, -$1.element.length, -$1.offset)
        }
        return FormattedText(text: text, spans: sorted.map(\.element))
    }

    mutating func walk(_ document: OpaquePointer) {
        guard let iterator = cmark_iter_new(document) else { return }
        defer { cmark_iter_free(iterator) }
        while true {
            let event = cmark_iter_next(iterator)
            guard event != CMARK_EVENT_DONE, let node = cmark_iter_get_node(iterator) else { return }
            let kind = String(cString: cmark_node_get_type_string(node))
            if event == CMARK_EVENT_EXIT {
                leave(node, kind)
            } else if kind == "table" {
                let table = MarkdownTable(node)
                write(table)
                cmark_iter_reset(iterator, node, CMARK_EVENT_EXIT)
                // The exit itself comes next and says nothing.
            } else {
                enter(node, kind)
            }
        }
    }

    private mutating func enter(_ node: OpaquePointer, _ kind: String) {
        switch kind {
        case "paragraph": separate()
        case "heading":
            separate()
            open()
        case "block_quote":
            separate()
            open()
            begin(marker: "> ", prefix: "> ")
        case "list":
            let isOrdered = cmark_node_get_list_type(node) == CMARK_ORDERED_LIST
            separate()
            lists.append(
                (isOrdered ? Int(cmark_node_get_list_start(node)) : nil, cmark_node_get_list_tight(node) != 0))
        case "item", "tasklist": enterItem(node, kind)
        case "code_block":
            separate()
            open()
            var code = MarkdownTable.literal(of: node)
            if code.hasSuffix("\n") { code.removeLast() }
            write(lines: code)
            let info = cmark_node_get_fence_info(node).map { String(cString: $0) } ?? ""
            let language = info.split(separator: " ").first.map(String.init)
            close(.pre(language: language))
        case "html_block":
            separate()
            var html = MarkdownTable.literal(of: node)
            if html.hasSuffix("\n") { html.removeLast() }
            write(lines: html)
        case "thematic_break":
            separate()
            write("———")
        case "text", "html_inline": write(MarkdownTable.literal(of: node))
        case "code":
            open()
            write(MarkdownTable.literal(of: node))
            close(.code)
        // A line that Claude broke is a line in a chat.
        case "softbreak", "linebreak": breakLine()
        case "strong", "emph", "strikethrough", "link", "image": open()
        default: break
        }
    }

    private mutating func leave(_ node: OpaquePointer, _ kind: String) {
        switch kind {
        case "heading": close(.heading(level: Int(cmark_node_get_heading_level(node))))
        case "block_quote":
            _ = prefixes.popLast()
            close(.quote)
        case "list": _ = lists.popLast()
        case "item", "tasklist": _ = prefixes.popLast()
        case "strong": close(.bold)
        case "emph": close(.italic)
        case "strikethrough": close(.strike)
        case "link", "image":
            let url = cmark_node_get_url(node).map { String(cString: $0) } ?? ""
            if starts.last == length { write(url) }
            close(url.isEmpty ? nil : .link(url: url))
        default: break
        }
    }

    private mutating func enterItem(_ node: OpaquePointer, _ kind: String) {
        guard let list = lists.indices.last else { return }
        if cmark_node_previous(node) != nil { separate(lists[list].isTight ? 1 : 2) }
        var marker = "• "
        if let number = lists[list].next {
            marker = "\(number). "
            lists[list].next = number &+ 1
        } else if kind == "tasklist" {
            marker = cmark_gfm_extensions_get_tasklist_item_checked(node) ? "☑ " : "☐ "
        }
        flush()
        begin(marker: marker, prefix: String(repeating: " ", count: marker.utf16.count))
    }

    private mutating func begin(marker: String, prefix: String) {
        let isShown = prefixes.count < Self.depthLimit
        if isShown || marker != prefix { append(marker) }
        prefixes.append(isShown ? prefix : "")
        blockStart = length
    }

    private mutating func write(_ table: MarkdownTable) {
        separate()
        if let aligned = table.aligned(width: tableWidth) {
            open()
            write(lines: aligned)
            close(.pre(language: nil))
        } else {
            write(lines: table.records)
        }
    }

    // MARK: Lines and spans

    /// The next words stand in a block of their own; a list inside a tight item only on a line of its own.
    private mutating func separate(_ wanted: Int = 2) {
        guard length > blockStart else { return }
        let isInTightItem = wanted == 2 && lists.last?.isTight == true && !prefixes.isEmpty
        breaks = max(breaks, isInTightItem ? 1 : wanted)
    }

    private mutating func flush() {
        guard breaks > 0 else { return }
        let count = breaks
        breaks = 0
        for _ in 0..<count {
            append("\n")
            prefixes.forEach { append($0) }
        }
    }

    private mutating func breakLine() {
        breaks = max(breaks, 1)
        flush()
    }

    private mutating func append(_ string: String) {
        text += string
        length += string.utf16.count
    }

    private mutating func write(_ string: String) {
        guard !string.isEmpty else { return }
        flush()
        append(string)
    }

    private mutating func write(lines: String) {
        flush()
        guard !prefixes.isEmpty else { return append(lines) }
        for (index, line) in lines.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            if index > 0 { breakLine() }
            append(String(line))
        }
    }

    private mutating func open() {
        flush()
        starts.append(length)
    }

    private mutating func close(_ style: FormattedText.Style?) {
        guard let start = starts.popLast(), let style, length > start else { return }
        spans.append(FormattedText.Span(style, start: start, length: length - start))
    }
}
