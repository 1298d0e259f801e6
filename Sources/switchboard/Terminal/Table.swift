/// A table for people, at most 80 columns wide: the column that may shrink is cut with `…`.
struct Table {
    static let width = 80

    let titles: [String]
    /// The column that gives way when a row is too long.
    let shrinking: Int
    private(set) var rows: [[String]] = []

    init(_ titles: [String], shrinking: Int) {
        self.titles = titles
        self.shrinking = shrinking
    }

    mutating func add(_ cells: [String]) { rows.append(cells.map(Terminal.plain)) }

    var text: String {
        let all = [titles] + rows
        var widths = titles.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        let surplus = widths.reduce(0, +) + 2 * (widths.count - 1) - Self.width
        if surplus > 0 { widths[shrinking] = max(8, widths[shrinking] - surplus) }
        return all.map { row in
            let cells = row.enumerated().map { Self.fit($1, widths[$0]) }
            var line = cells.joined(separator: "  ")
            while line.last == " " { line.removeLast() }
            return line
        }.joined(separator: "\n")
    }

    static func fit(_ cell: String, _ width: Int) -> String {
        if cell.count > width { return String(cell.prefix(max(0, width - 1))) + "…" }
        return cell + String(repeating: " ", count: width - cell.count)
    }
}
