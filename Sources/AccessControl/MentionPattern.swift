/// Words that count as a mention: plain text with `*` for any run of characters, compared without regard to case.
///
/// It is no regular expression on purpose: everybody who is let into a group chooses the text it runs over, and this
/// needs a time that grows with the product of both lengths at most.
public struct MentionPattern: Hashable, Sendable {
    /// Longest pattern, in bytes.
    public static let limit = 128
    /// A mention stands early; what follows is not searched, in bytes.
    static let searched = 4_096

    public let text: String
    private let pieces: [[UInt8]]

    /// `nil` when the text is empty, too long, or nothing but stars.
    public init?(_ text: String) {
        let pieces = text.lowercased().split(separator: "*").map { Array($0.utf8) }
        guard !pieces.isEmpty, text.utf8.count <= Self.limit else { return nil }
        self.text = text
        self.pieces = pieces
    }

    /// Whether all pieces stand in the text, one after the other.
    public func matches(_ message: String) -> Bool {
        let bytes = Array(message.utf8.prefix(Self.searched))
        let lower = Array(String(decoding: bytes, as: UTF8.self).lowercased().utf8)
        var start = 0
        for piece in pieces {
            guard let end = Self.end(of: piece, in: lower, from: start) else { return false }
            start = end
        }
        return true
    }

    private static func end(of piece: [UInt8], in bytes: [UInt8], from start: Int) -> Int? {
        guard bytes.count - start >= piece.count else { return nil }
        for index in start...(bytes.count - piece.count)
        where bytes[index] == piece[0] && bytes[index..<index + piece.count].elementsEqual(piece) {
            return index + piece.count
        }
        return nil
    }
}
