/// Slices of text as the platform counts it: in UTF-16 code units.
enum UTF16Text {
    /// The slice, or `nil` when it leaves the text or splits a surrogate pair.
    static func slice(_ text: String, offset: Int64, length: Int64) -> String? {
        let units = text.utf16
        let count = Int64(units.count)
        guard offset >= 0, length >= 0, offset <= count, length <= count - offset else { return nil }
        let start = units.index(units.startIndex, offsetBy: Int(offset))
        let end = units.index(start, offsetBy: Int(length))
        return String(units[start..<end])
    }
}
