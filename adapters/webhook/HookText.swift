import AdapterKit

/// Text from outside, made fit for one line.
enum HookText {
    /// Longest summary line, in characters.
    static let lineLimit = 200

    /// One line without control characters and without what turns the reading direction, cut to a length.
    static func line(_ text: some StringProtocol, limit: Int = lineLimit) -> String {
        var line = ""
        var count = 0
        var isGap = false
        for scalar in text.unicodeScalars {
            let isSpace =
                scalar == " " || scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
                || scalar.value == 0x2028 || scalar.value == 0x2029
            if isSpace {
                isGap = count > 0
                continue
            }
            if isHidden(scalar) { continue }
            if count + (isGap ? 2 : 1) > limit {
                line.unicodeScalars.append("…")
                return line
            }
            if isGap {
                line.unicodeScalars.append(" ")
                count += 1
                isGap = false
            }
            line.unicodeScalars.append(scalar)
            count += 1
        }
        return line
    }

    static func firstLine(_ text: String, limit: Int = 100) -> String {
        line(text.split(whereSeparator: \.isNewline).first ?? "", limit: limit)
    }

    /// Marks that show nothing and turn or hide what stands beside them.
    private static func isHidden(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x200B...0x200F, 0x202A...0x202E, 0x2060...0x2069, 0xFEFF, 0xE0000...0xE007F: true
        default: false
        }
    }

    /// A link as it is, when it is one and not absurdly long; it must stay whole to be of use.
    static func link(_ text: String?) -> String? {
        guard let text, text.hasPrefix("https://") || text.hasPrefix("http://"), text.utf8.count <= 500,
            text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "<") && $0 != UInt8(ascii: ">") })
        else { return nil }
        return text
    }
}

extension JSONValue {
    /// The text at a path; a number as its digits; `nil` for everything else and for what is empty.
    func word(_ path: String...) -> String? {
        guard let value = value(at: path[...]) else { return nil }
        switch value {
        case .string(let text): return text.isEmpty ? nil : text
        case .integer(let number): return String(number)
        default: return nil
        }
    }

    /// By recursion: the optimiser of Swift 6.3.1 crashes on a loop over an optional value that chains its subscript.
    private func value(at path: ArraySlice<String>) -> JSONValue? {
        guard let key = path.first else { return self }
        return self[key]?.value(at: path.dropFirst())
    }
}
