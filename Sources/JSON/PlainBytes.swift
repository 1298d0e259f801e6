/// The bytes of a JSON string that stand for themselves: all but `"`, `\` and control characters. Most of all bytes
/// that pass through the bus are such, so they are passed over eight at a time.
enum PlainBytes {
    /// The place of the first byte from `start` on that does not stand for itself; `count` when there is none.
    static func end(_ base: UnsafePointer<UInt8>, from start: Int, count: Int) -> Int {
        var place = start
        while place + 8 <= count {
            let word = UnsafeRawPointer(base + place).loadUnaligned(as: UInt64.self)
            // The high bit of each byte: below 0x20, or equal to the sign (zero after the exclusive or).
            let control = (word &- 0x2020_2020_2020_2020) & ~word
            let quote = word ^ 0x2222_2222_2222_2222
            let backslash = word ^ 0x5C5C_5C5C_5C5C_5C5C
            let isQuote = (quote &- 0x0101_0101_0101_0101) & ~quote
            let isBackslash = (backslash &- 0x0101_0101_0101_0101) & ~backslash
            if (control | isQuote | isBackslash) & 0x8080_8080_8080_8080 != 0 { break }
            place += 8
        }
        while place < count {
            let byte = base[place]
            if byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { return place }
            place += 1
        }
        return count
    }
}
