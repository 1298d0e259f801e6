import FormattedText
import Markdown
import Testing

@Suite struct MarkdownTests {
    @Test(arguments: [
        ("plain words", "plain words"),
        ("# Title\n\nwords", "Title\n\nwords"),
        ("- a\n- b\n  - c\n", "• a\n• b\n  • c"),
        ("3. a\n4. b", "3. a\n4. b"),
        ("- [x] a\n- [ ] b", "☑ a\n☐ b"),
        ("> a\n> b", "> a\n> b"),
        ("one\ntwo", "one\ntwo"),
        ("```swift\nlet a = 1\n\nlet b = 2\n```", "let a = 1\n\nlet b = 2"),
        ("a <b>bold</b>", "a <b>bold</b>"),
        ("a\n\n---\n\nb", "a\n\n———\n\nb"),
        ("| a | b |\n|---|---|\n| 1 | long |", "a  b\n─  ────\n1  long"),
        ("", ""),
    ])
    func blocksAreReadable(markdown: String, text: String) {
        #expect(FormattedText(markdown: markdown).text == text)
    }

    @Test func stylesHaveTheirPlacesInUTF16() {
        let read = FormattedText(markdown: "😀 **b *i*** ~~s~~ `c` [docs](https://a.example/x)")
        #expect(read.text == "😀 b i s c docs")
        #expect(
            read.spans == [
                .init(.bold, start: 3, length: 3), .init(.italic, start: 5, length: 1),
                .init(.strike, start: 7, length: 1), .init(.code, start: 9, length: 1),
                .init(.link(url: "https://a.example/x"), start: 11, length: 4),
            ])
        #expect(read.plain == "😀 b i s c docs (https://a.example/x)")
    }

    @Test func blocksHaveTheirSpans() {
        let read = FormattedText(markdown: "## T\n\n> q\n\n```sh\nls\n```")
        #expect(read.text == "T\n\n> q\n\nls")
        #expect(
            read.spans == [
                .init(.heading(level: 2), start: 0, length: 1), .init(.quote, start: 3, length: 3),
                .init(.pre(language: "sh"), start: 8, length: 2),
            ])
    }

    @Test func aWideTableBecomesRecords() {
        let read = FormattedText(markdown: "| name | state |\n|---|---|\n| api | red |\n| web | green |", tableWidth: 5)
        #expect(read.text == "name: api\nstate: red\n\nname: web\nstate: green")
    }

    /// Each is far more work than words for a reader that recurses, or that multiplies.
    @Test(arguments: [
        String(repeating: ">", count: 100_000), String(repeating: "- ", count: 50_000),
        String(repeating: "*a **b ", count: 14_000), String(repeating: "[", count: 100_000),
        String(repeating: "[a](", count: 25_000), String(repeating: "`", count: 100_000),
        String(repeating: "a\u{301}", count: 50_000), String(repeating: "> - ", count: 25_000) + "x",
        String(repeating: "|a", count: 12_000) + "\n" + String(repeating: "|-", count: 12_000) + "\n"
            + String(repeating: "|\n", count: 25_000),
    ])
    func hostileInputEnds(markdown: String) {
        let read = FormattedText(markdown: markdown)
        #expect(read.text.utf16.count <= 4 * markdown.utf16.count)
        expectSound(read)
        #expect(read.split(limit: 4_096).map(\.text).joined() == read.text)
    }
}

/// Spans lie inside the text, are not empty and are sorted.
func expectSound(_ read: FormattedText, sourceLocation: SourceLocation = #_sourceLocation) {
    let length = read.text.utf16.count
    #expect(
        read.spans.allSatisfy { $0.start >= 0 && $0.length > 0 && $0.end <= length }, sourceLocation: sourceLocation)
    #expect(zip(read.spans, read.spans.dropFirst()).allSatisfy { $0.start <= $1.start }, sourceLocation: sourceLocation)
}
