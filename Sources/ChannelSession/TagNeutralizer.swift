/// Takes the force out of tags that a message could forge. Claude Code escapes only the closing channel tag, so an
/// opening one inside a message would read as a message of its own, from whomever it likes.
///
/// The `<` of `<channel`, `</channel`, `<system-reminder` and `</system-reminder` becomes `‹` (U+2039): the text stays
/// readable, and a person can still see what was written. Case does not matter, and neither do white space, slashes
/// and invisible characters before or inside the name, which a model reads past. A longer word (`<channels>`) is no
/// forgery and stays.
enum TagNeutralizer {
    private static let names = [Array("channel".utf8), Array("system-reminder".utf8)]
    private static let replacement = Array("‹".utf8)

    static func neutralize(_ text: String) -> String {
        var text = text
        let neutral = text.withUTF8 { utf8 -> [UInt8]? in
            guard utf8.contains(UInt8(ascii: "<")) else { return nil }
            return neutralize(utf8)
        }
        return neutral.map { String(decoding: $0, as: UTF8.self) } ?? text
    }

    /// `nil` when nothing is forged.
    private static func neutralize(_ utf8: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
        var neutral: [UInt8]?
        var copied = 0
        for index in 0..<utf8.count where utf8[index] == UInt8(ascii: "<") {
            guard names.contains(where: { opens($0, utf8, index + 1) }) else { continue }
            var bytes = neutral ?? []
            neutral = nil
            bytes.append(contentsOf: utf8[copied..<index])
            bytes.append(contentsOf: replacement)
            neutral = bytes
            copied = index + 1
        }
        neutral?.append(contentsOf: utf8[copied...])
        return neutral
    }

    private static func opens(_ name: [UInt8], _ utf8: UnsafeBufferPointer<UInt8>, _ start: Int) -> Bool {
        var index = start
        while index < utf8.count {
            let byte = utf8[index]
            if byte <= 0x20 || byte == UInt8(ascii: "/") || byte == UInt8(ascii: "\\") {
                index += 1
            } else if let length = invisible(utf8, index) {
                index += length
            } else {
                break
            }
        }
        for letter in name {
            while let length = invisible(utf8, index) { index += length }
            guard index < utf8.count, lowercase(utf8[index]) == letter else { return false }
            index += 1
        }
        guard index < utf8.count else { return true }
        let next = lowercase(utf8[index])
        return !(next >= 0x61 && next <= 0x7A || next >= 0x30 && next <= 0x39 || next == UInt8(ascii: "_"))
    }

    private static func lowercase(_ byte: UInt8) -> UInt8 {
        byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte
    }

    /// The length of an invisible character: soft hyphen, zero-width and direction marks, word joiner, byte order mark.
    private static func invisible(_ utf8: UnsafeBufferPointer<UInt8>, _ index: Int) -> Int? {
        guard index < utf8.count, utf8[index] >= 0xC2 else { return nil }
        if utf8[index] == 0xC2 { return index + 1 < utf8.count && utf8[index + 1] == 0xAD ? 2 : nil }
        guard index + 2 < utf8.count else { return nil }
        switch (utf8[index], utf8[index + 1], utf8[index + 2]) {
        case (0xE2, 0x80, 0x8B...0x8F), (0xE2, 0x80, 0xAA...0xAE), (0xE2, 0x81, 0xA0...0xAF), (0xEF, 0xBB, 0xBF):
            return 3
        case (0xEF, 0xB8, 0x80...0x8F): return 3
        default: return nil
        }
    }
}
