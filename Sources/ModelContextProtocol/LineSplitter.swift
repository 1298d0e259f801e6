/// Cuts a byte stream into lines at 0x0A, before anything is decoded: a character may be cut by a read, a line never
/// is. Pure; holds at most one unfinished line.
public struct LineSplitter: Sendable {
    public enum Piece: Hashable, Sendable {
        /// Without its line break, never empty.
        case line([UInt8])
        /// A line over the limit. Its bytes are gone; the stream goes on after its end.
        case oversize
    }

    /// The longest line in bytes; 10 MiB, as other implementations hold it.
    public static let standardLimit = 10 << 20

    private let limit: Int
    private var unfinished: [UInt8] = []
    private var isSkipping = false

    public init(limit: Int = LineSplitter.standardLimit) {
        self.limit = limit
    }

    /// Takes what one read gave and hands out the lines that it ends.
    public mutating func take(_ bytes: UnsafeRawBufferPointer, _ body: (Piece) -> Void) {
        var rest = bytes[...]
        while let end = rest.firstIndex(of: 0x0A) {
            finish(rest[..<end], body)
            rest = rest[(end + 1)...]
        }
        guard !rest.isEmpty, !isSkipping else { return }
        guard unfinished.count + rest.count <= limit + 1 else {
            isSkipping = true
            unfinished = []
            return
        }
        unfinished.append(contentsOf: rest)
    }

    private mutating func finish(_ tail: Slice<UnsafeRawBufferPointer>, _ body: (Piece) -> Void) {
        var line = unfinished
        unfinished = []
        if isSkipping || line.count + tail.count > limit + 1 {
            isSkipping = false
            body(.oversize)
            return
        }
        line.append(contentsOf: tail)
        // A client on Windows ends its lines with CRLF; the one byte over the limit is room for it.
        if line.last == 0x0D { line.removeLast() }
        if line.count > limit { return body(.oversize) }
        if !line.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { body(.line(line)) }
    }
}
