import ModelContextProtocol
import Testing

@Suite("Lines from bytes")
struct LineSplitterTests {
    private func split(_ chunks: [[UInt8]], limit: Int = 100) -> [LineSplitter.Piece] {
        var splitter = LineSplitter(limit: limit)
        var pieces: [LineSplitter.Piece] = []
        for chunk in chunks { chunk.withUnsafeBytes { splitter.take($0) { pieces.append($0) } } }
        return pieces
    }

    private func lines(_ texts: String...) -> [LineSplitter.Piece] { texts.map { .line(Array($0.utf8)) } }

    @Test("Two lines in one read, an unfinished third, CRLF, blank lines")
    func merged() {
        #expect(split([Array("a\nb\r\n\n \r\nc".utf8)]) == lines("a", "b"))
        #expect(split([Array("a\nb".utf8), Array("c\n".utf8)]) == lines("a", "bc"))
        // A carriage return inside a line and U+2028 are no line ends.
        #expect(split([Array("a\rb\u{2028}c\n".utf8)]) == lines("a\rb\u{2028}c"))
    }

    @Test("One byte at a time, also through the middle of characters")
    func bytewise() {
        let text = Array("{\"é\":\"😀\"}\nx\r\n".utf8)
        #expect(split(text.map { [$0] }) == lines("{\"é\":\"😀\"}", "x"))
    }

    @Test("A line at the limit passes, one over it is named, and the stream goes on", arguments: [1, 7, 1000])
    func limit(chunk: Int) {
        func run(_ text: String) -> [LineSplitter.Piece] {
            let bytes = Array(text.utf8)
            return split(
                stride(from: 0, to: bytes.count, by: chunk).map { Array(bytes[$0..<min($0 + chunk, bytes.count)]) })
        }
        let full = String(repeating: "x", count: 100)
        #expect(run(full + "\nb\n") == lines(full, "b"))
        #expect(run(full + "\r\nb\n") == lines(full, "b"))
        #expect(run(full + "x\nb\n") == [.oversize] + lines("b"))
        #expect(run(String(repeating: "x", count: 5000) + "\nb\n") == [.oversize] + lines("b"))
        #expect(run(full + "x") == [])
    }

    @Test("A 5 MB line arrives whole")
    func large() {
        let line = [UInt8](repeating: UInt8(ascii: "y"), count: 5_000_000)
        #expect(split([line + [0x0A]], limit: LineSplitter.standardLimit) == [.line(line)])
    }

    @Test("However the bytes are cut, the lines are the same", arguments: 0..<50 as Range<UInt64>)
    func cuts(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let alphabet = Array("ab\n\n\r é{".utf8)
        let bytes = (0..<400).map { _ in alphabet.randomElement(using: &generator) ?? 0 }
        var chunks: [[UInt8]] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = Int.random(in: 1...20, using: &generator)
            chunks.append(Array(rest.prefix(count)))
            rest = rest.dropFirst(count)
        }
        #expect(split(chunks, limit: 12) == split([bytes], limit: 12))
    }
}
