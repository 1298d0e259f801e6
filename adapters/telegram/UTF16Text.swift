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

    /// The text in pieces of at most `limit` units, cut after a line, else after a word, else between characters. No
    /// character but white space at a cut gets lost, and pieces of white space alone, which the server refuses, are left out.
    static func pieces(_ text: String, limit: Int) -> [String] {
        var pieces: [String] = []
        var rest = Substring(text)
        while rest.utf16.count > limit {
            var end = rest.startIndex
            var line: String.Index?
            var word: String.Index?
            var used = 0
            while end < rest.endIndex {
                let character = rest[end]
                let size = String(character).utf16.count
                guard used + size <= limit else { break }
                used += size
                end = rest.index(after: end)
                if character.isNewline { line = end } else if character.isWhitespace { word = end }
            }
            if end == rest.startIndex {
                // One character of more units than a message holds, such as a heap of combining marks.
                end = scalarBoundary(in: rest, limit: limit)
            } else {
                end = line ?? word ?? end
            }
            pieces.append(String(rest[..<end]))
            rest = rest[end...]
        }
        pieces.append(String(rest))
        return pieces.filter { piece in piece.contains { !$0.isWhitespace } }
    }

    private static func scalarBoundary(in text: Substring, limit: Int) -> String.Index {
        var used = 0
        var end = text.startIndex
        for index in text.unicodeScalars.indices {
            let size = UTF16.width(text.unicodeScalars[index])
            guard used + size <= limit || used == 0 else { break }
            used += size
            end = text.unicodeScalars.index(after: index)
        }
        return end
    }
}
