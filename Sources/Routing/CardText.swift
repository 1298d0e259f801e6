import ChannelEvents
import JSON
import MessageStore

/// What a card says. A value: the words only, no place, no state of sending.
struct CardText {
    var head: [String]
    /// The call, line by line.
    var call: [String]
    var foot: [String]

    /// Messages of one card at most; past it the middle is left out, and the card says how much.
    static let partLimit = 8
    /// Where the adapter does not say what it takes, in UTF-16 units.
    static let standardLimit = 1_900
    /// Where only the bus limits a text.
    static let greatestLimit = 30_000
    private static let bar = "│ "

    /// As many messages as the limit makes necessary; the last one has the foot, and gets the buttons.
    func parts(limit: Int) -> [String] {
        let limit = max(200, limit)
        let head = head.joined(separator: "\n")
        let foot = foot.joined(separator: "\n")
        let whole = [head, lines(limit).joined(separator: "\n"), foot].filter { !$0.isEmpty }.joined(separator: "\n")
        if whole.utf16.count <= limit { return [whole] }
        var parts: [String] = []
        var part = head
        for line in lines(limit) {
            if part.utf16.count + 1 + line.utf16.count > limit - Self.counterRoom {
                parts.append(part)
                part = line
            } else {
                part += part.isEmpty ? line : "\n" + line
            }
        }
        if part.utf16.count + 1 + foot.utf16.count > limit - Self.counterRoom {
            parts.append(part)
            part = foot
        } else {
            part += "\n" + foot
        }
        parts.append(part)
        parts = Self.folded(parts)
        return parts.enumerated().map { "(\($0.offset + 1)/\(parts.count)) \($0.element)" }
    }

    private static let counterRoom = 10

    /// Leaves out the middle of what would be a flood of messages, and says so.
    private static func folded(_ parts: [String]) -> [String] {
        guard parts.count > partLimit else { return parts }
        let last = partLimit - 6
        let left = parts[5..<(parts.count - last)]
        let characters = left.reduce(0) { $0 + $1.count }
        let notice =
            "⋯ \(characters) characters are left out here: the call is too long for a chat. Look at it at the terminal before you allow it. ⋯"
        return Array(parts[..<5]) + [notice] + parts.suffix(last)
    }

    /// The lines of the call, each marked, so that nothing in it can pass for a line of the card; one that is too long for
    /// a message goes on in the next line.
    private func lines(_ limit: Int) -> [String] {
        let room = limit - Self.counterRoom - Self.bar.utf16.count - 2
        return call.flatMap { line -> [String] in
            guard line.utf16.count > room else { return [Self.bar + line] }
            var pieces: [String] = []
            var piece = ""
            var size = 0
            for scalar in line.unicodeScalars {
                let width = scalar.utf16.count
                if size + width > room {
                    pieces.append(piece)
                    piece = ""
                    size = 0
                }
                piece.unicodeScalars.append(scalar)
                size += width
            }
            pieces.append(piece)
            return pieces.enumerated().map { $0.offset == 0 ? Self.bar + $0.element : "┆ " + $0.element }
        }
    }

    // MARK: The call

    /// The whole arguments, a command as it would be run; hostile text made visible.
    static func call(tool: String, input: [UInt8]?, preview: String) -> [String] {
        guard let input, case .success(let value) = Result(catching: { try JSONValue(parsing: input) }),
            let members = value.objectValue
        else { return visibleLines(preview) }
        var lines: [String] = []
        if tool == "Bash", let command = members["command"]?.stringValue { lines += visibleLines(command) }
        for member in members where !(tool == "Bash" && member.key == "command" && !lines.isEmpty) {
            let text = member.value.stringValue ?? member.value.text
            let shown = visibleLines(text)
            if shown.count == 1 {
                lines.append("\(visible(member.key)): \(shown[0])")
            } else {
                lines.append("\(visible(member.key)):")
                lines += shown.map { "  " + $0 }
            }
        }
        return lines
    }

    static func visibleLines(_ text: String) -> [String] {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { visible(String($0)) }
    }

    /// A line with everything that a person would not see, or see as something else, written out: control and format
    /// characters, direction marks, blanks that are none, selectors, tags.
    static func visible(_ line: String) -> String {
        guard !line.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else { return line }
        var shown = ""
        for scalar in line.unicodeScalars {
            if isPlain(scalar) {
                shown.unicodeScalars.append(scalar)
            } else {
                shown += "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
            }
        }
        return shown
    }

    private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
        if scalar == " " { return true }
        if scalar.properties.isDefaultIgnorableCodePoint || scalar.properties.isVariationSelector { return false }
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .spaceSeparator, .privateUse, .surrogate,
            .unassigned:
            return false
        default: return true
        }
    }

    /// One line of text from outside, bounded.
    static func line(_ text: String, limit: Int = 300) -> String {
        let line = visible(text.split(whereSeparator: \.isNewline).joined(separator: " "))
        return line.count > limit ? line.prefix(limit) + "⋯" : line
    }

    /// `10:21 UTC`.
    static func time(_ wall: Int64) -> String {
        "\(Timestamp.text(milliseconds: wall).dropFirst(11).prefix(5)) UTC"
    }
}
