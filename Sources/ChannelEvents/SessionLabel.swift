/// How people call a session: a word that can be typed after `@` in a chat.
public enum SessionLabel {
    /// Longest label, in bytes.
    public static let limit = 64

    /// Letters, digits, `.`, `_` and `-`, all of ASCII.
    public static func isByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
            return true
        default: return false
        }
    }

    public static func isValid(_ text: some StringProtocol) -> Bool {
        (1...limit).contains(text.utf8.count) && text.utf8.allSatisfy(isByte)
    }

    /// The nearest label to a name that somebody chose for something else, such as a folder.
    public static func from(_ name: String) -> String {
        let kept = name.unicodeScalars.prefix(limit).map { scalar -> Character in
            scalar.isASCII && isByte(UInt8(scalar.value)) ? Character(scalar) : "-"
        }
        return kept.allSatisfy { $0 == "-" } ? "session" : String(kept)
    }

    /// Labels that differ only in upper and lower case are the same to whoever types one on a phone.
    public static func folded(_ label: some StringProtocol) -> String { label.lowercased() }
}
