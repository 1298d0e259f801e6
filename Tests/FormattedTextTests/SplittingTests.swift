import FormattedText
import Markdown
import Testing

@Suite struct SplittingTests {
    /// xorshift, so that a failure can be had again from its seed.
    private struct Seeded: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return state
        }
    }

    private static let pieces = [
        "word ", "Sentence. ", "\n\n", "\n", "😀", "👩‍👩‍👧‍👦", "e\u{301}", "**bold** ", "*it ", "`code` ",
        "\n\n```swift\nlet a = 1\n\n\nlet b\n```\n\n", "\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n", "\n- item\n",
        "\n> quote\n",
        "[link](https://a.example) ", "\n# Title\n", "~~gone~~ ", "漢字", "~~~~", "```", "|", "<b>", "\r\n",
    ]

    @Test(arguments: 1...200) func nothingIsLost(seed: UInt64) {
        var random = Seeded(state: seed &* 0x9E37_79B9_7F4A_7C15)
        let count = Int.random(in: 0...120, using: &random)
        let markdown = (0..<count).map { _ in Self.pieces[Int.random(in: 0..<Self.pieces.count, using: &random)] }
            .joined()
        let limit = Int.random(in: 1...200, using: &random)
        let whole = FormattedText(markdown: markdown)
        expectSound(whole)
        let parts = whole.split(limit: limit)
        // In UTF-16 units: a cut inside a character is allowed where one is longer than a part.
        #expect(parts.flatMap { Array($0.text.utf16) } == Array(whole.text.utf16))
        var offset = 0
        var styled: [FormattedText.Style: Int] = [:]
        for part in parts {
            #expect(part.text.utf16.count <= max(limit, 2))
            expectSound(part)
            for span in part.spans { styled[span.style, default: 0] += span.length }
            offset += part.text.utf16.count
        }
        var expected: [FormattedText.Style: Int] = [:]
        for span in whole.spans { expected[span.style, default: 0] += span.length }
        #expect(styled == expected)
    }

    @Test(arguments: 1...100) func noPartHasMoreSpansThanItMay(seed: UInt64) {
        var random = Seeded(state: seed &* 0x9E37_79B9_7F4A_7C15)
        let markdown = (0..<80).map { _ in Self.pieces[Int.random(in: 0..<Self.pieces.count, using: &random)] }.joined()
        let whole = FormattedText(markdown: markdown)
        let most = Int.random(in: 3...9, using: &random)
        let parts = whole.split(limit: Int.random(in: 20...400, using: &random), spans: most)
        #expect(parts.flatMap { Array($0.text.utf16) } == Array(whole.text.utf16))
        for part in parts {
            #expect(part.spans.count <= most)
            expectSound(part)
        }
    }

    @Test func spansAreCountedAcrossACut() {
        let whole = FormattedText(markdown: (1...7).map { "**b\($0)** word" }.joined(separator: "\n\n"))
        let parts = whole.split(limit: 4_096, spans: 3)
        #expect(parts.map(\.spans.count) == [3, 3, 1])
        #expect(parts.map(\.text).joined() == whole.text)
    }

    @Test func blocksAreKeptWhole() {
        let parts = FormattedText(text: "one two three\n\nfour five six").split(limit: 20)
        #expect(parts.map(\.text) == ["one two three\n\n", "four five six"])
    }

    @Test func aFenceGoesOn() {
        let code = (1...20).map { "line \($0)" }.joined(separator: "\n")
        let parts = FormattedText(markdown: "```sh\n\(code)\n```").split(limit: 64)
        #expect(parts.count > 1)
        for part in parts {
            #expect(part.spans == [.init(.pre(language: "sh"), start: 0, length: part.text.utf16.count)])
        }
    }

    @Test func aCharacterIsCutOnlyWhereItMust() {
        let family = "👩‍👩‍👧‍👦"
        let parts = FormattedText(text: String(repeating: family, count: 10)).split(limit: 30)
        #expect(parts.allSatisfy { $0.text.allSatisfy { String($0) == family } })
        let long = "e" + String(repeating: "\u{1D165}", count: 40)
        for part in FormattedText(text: long).split(limit: 7) {
            #expect(!part.text.unicodeScalars.contains("\u{FFFD}"))
        }
    }
}
