/// Texts as they may stand in an attribute of a tag. Claude Code escapes `"`, `<` and `&` there; this takes out what
/// could still be read as more than a value.
enum AttributeText {
    /// A name that somebody chose: one line, no tag or list characters, no characters that turn the direction of text.
    /// - Returns: `nil` when nothing is left that says something.
    static func name(_ text: String, limit: Int) -> String? {
        let clean = replacing(text, limit: limit, isName: true)
        return clean.utf8.allSatisfy({ $0 == 0x20 || $0 == UInt8(ascii: "_") }) ? nil : clean
    }

    /// An id of a platform, which may hold list characters.
    static func identifier(_ text: String) -> String { replacing(text, limit: 2048, isName: false) }

    private static func replacing(_ text: String, limit: Int, isName: Bool) -> String {
        if text.utf8.count <= limit, text.utf8.allSatisfy({ isPlain($0, isName) }) { return text }
        var clean = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            guard clean.count < limit else {
                clean.append("…")
                break
            }
            clean.append(isAllowed(scalar, isName) ? scalar : "_")
        }
        return String(clean)
    }

    /// Printable ASCII, the usual case, without a look into the tables of Unicode.
    private static func isPlain(_ byte: UInt8, _ isName: Bool) -> Bool {
        switch byte {
        case UInt8(ascii: "<"), UInt8(ascii: ">"): return false
        case UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: ";"): return !isName
        default: return byte >= 0x20 && byte < 0x7F
        }
    }

    private static func isAllowed(_ scalar: Unicode.Scalar, _ isName: Bool) -> Bool {
        switch scalar {
        case "<", ">": return false
        case "[", "]", ";": return !isName
        default: break
        }
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned:
            // The zero-width joiner holds emoji together.
            return scalar == "\u{200D}"
        default: return true
        }
    }
}
