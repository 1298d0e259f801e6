import CMarkGFM

/// A table's cells as plain words: beside each other where they fit, else a record per row.
struct MarkdownTable {
    private var rows: [[String]] = []

    init(_ table: OpaquePointer) {
        var row = cmark_node_first_child(table)
        while let current = row {
            var cells: [String] = []
            var cell = cmark_node_first_child(current)
            while let node = cell {
                cells.append(Self.words(of: node))
                cell = cmark_node_next(node)
            }
            rows.append(cells)
            row = cmark_node_next(current)
        }
    }

    /// `nil` when the lines are wider than this many columns of a monospace font.
    func aligned(width: Int) -> String? {
        let columns = rows.map(\.count).max() ?? 0
        var widths = Array(repeating: 0, count: columns)
        for row in rows {
            for (index, cell) in row.enumerated() { widths[index] = max(widths[index], Self.width(of: cell)) }
        }
        guard widths.reduce(2 * max(columns - 1, 0), +) <= width else { return nil }
        var lines = rows.map { row in
            var line = ""
            for (index, cell) in row.enumerated() {
                line += cell
                let isLast = index == row.count - 1
                if !isLast { line += String(repeating: " ", count: widths[index] - Self.width(of: cell) + 2) }
            }
            return line
        }
        if lines.count > 1 {
            lines.insert(widths.map { String(repeating: "─", count: $0) }.joined(separator: "  "), at: 1)
        }
        return lines.joined(separator: "\n")
    }

    /// `Column: value` lines, a blank line between rows.
    var records: String {
        guard let header = rows.first, rows.count > 1 else { return rows.first?.joined(separator: ", ") ?? "" }
        return rows.dropFirst().map { row in
            row.enumerated().map { index, cell in
                let name = index < header.count ? header[index] : ""
                return name.isEmpty ? cell : "\(name): \(cell)"
            }.joined(separator: "\n")
        }.joined(separator: "\n\n")
    }

    static func literal(of node: OpaquePointer) -> String {
        cmark_node_get_literal(node).map { String(cString: $0) } ?? ""
    }

    private static func words(of cell: OpaquePointer) -> String {
        guard let iterator = cmark_iter_new(cell) else { return "" }
        defer { cmark_iter_free(iterator) }
        var words = ""
        while true {
            let event = cmark_iter_next(iterator)
            guard event != CMARK_EVENT_DONE, let node = cmark_iter_get_node(iterator) else { return words }
            let kind = String(cString: cmark_node_get_type_string(node))
            switch (kind, event == CMARK_EVENT_EXIT) {
            case ("text", _), ("code", _), ("html_inline", _): words += literal(of: node)
            case ("softbreak", _), ("linebreak", _): words += " "
            case ("link", true), ("image", true):
                let url = cmark_node_get_url(node).map { String(cString: $0) } ?? ""
                if !url.isEmpty, !words.hasSuffix(url) { words += words.isEmpty ? url : " (\(url))" }
            default: break
            }
        }
    }

    /// Columns in a monospace font: what East Asian writing and emoji take is two.
    static func width(of cell: String) -> Int {
        cell.reduce(0) { sum, character in
            guard let first = character.unicodeScalars.first else { return sum }
            switch first.value {
            case 0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60,
                0xFFE0...0xFFE6, 0x1F300...0x1FAFF, 0x20000...0x3FFFD:
                return sum + 2
            default: return sum + (first.properties.isEmojiPresentation ? 2 : 1)
            }
        }
    }
}
