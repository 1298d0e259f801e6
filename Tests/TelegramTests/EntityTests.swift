import AdapterKit
import SwitchboardTesting
import Testing

@testable import switchboard_telegram
@testable import telegram_simulator

@Suite struct EntityTests {
    func render(_ text: String, _ spans: (FormattedText.Style, Int, Int)...) -> EntityRenderer {
        EntityRenderer(FormattedText(text: text, spans: spans.map { .init($0.0, start: $0.1, length: $0.2) }))
    }

    @Test func stylesBecomeEntities() {
        let rendered = render(
            "🎉 bold code", (.heading(level: 1), 0, 2), (.bold, 3, 4), (.code, 8, 4))
        #expect(rendered.text == "🎉 bold code")
        #expect(
            rendered.entities == [
                ["type": "bold", "offset": 0, "length": 2], ["type": "bold", "offset": 3, "length": 4],
                ["type": "code", "offset": 8, "length": 4],
            ])
        let pre = render("let a", (.pre(language: "swift"), 0, 5)).entities
        #expect(pre == [["type": "pre", "language": "swift", "offset": 0, "length": 5]])
    }

    @Test func nothingElseTouchesCode() {
        let rendered = render("a code b", (.bold, 0, 8), (.code, 2, 4))
        #expect(
            rendered.entities == [
                ["type": "bold", "offset": 0, "length": 2], ["type": "bold", "offset": 6, "length": 2],
                ["type": "code", "offset": 2, "length": 4],
            ])
    }

    @Test func quotesLoseTheirMarks() {
        let rendered = render("a\n> b 😀\n> c\nd", (.quote, 2, 10), (.bold, 4, 1), (.italic, 12, 1))
        #expect(rendered.text == "a\nb 😀\nc\nd")
        #expect(
            rendered.entities == [
                ["type": "blockquote", "offset": 2, "length": 6], ["type": "bold", "offset": 2, "length": 1],
                ["type": "italic", "offset": 8, "length": 1],
            ])
    }

    @Test func linksThatNobodyCanOpenAreShown() {
        #expect(
            render("see here", (.link(url: "https://a.b/c"), 4, 4)).entities == [
                ["type": "text_link", "url": "https://a.b/c", "offset": 4, "length": 4]
            ])
        let local = render("see here now", (.bold, 0, 12), (.link(url: "docs/a.md"), 4, 4))
        #expect(local.text == "see here (docs/a.md) now")
        #expect(local.entities == [["type": "bold", "offset": 0, "length": 24]])
    }

    /// Whatever the spans are, the server takes the message, and no character but marks of quotes is lost.
    @Test(arguments: 0..<60) func theServerTakesWhatIsRendered(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let letters = ["a", "ä", "😀", "👨‍👩‍👧‍👦", " ", "\n", "> ", "e\u{301}", "🇩🇪", "`"]
        let text =
            "x"
            + (0..<Int.random(in: 0...80, using: &random)).map { _ in letters.randomElement(using: &random) ?? "" }
            .joined()
        let styles: [FormattedText.Style] = [
            .bold, .italic, .strike, .code, .pre(language: "swift"), .pre(language: nil), .quote, .heading(level: 2),
            .link(url: "https://example.org"), .link(url: "a.md"),
        ]
        let spans: [JSONValue] = (0..<Int.random(in: 0...12, using: &random)).map { _ in
            var span =
                FormattedText(
                    text: "x", spans: [.init(styles.randomElement(using: &random) ?? .bold, start: 0, length: 1)]
                )
                .arguments["spans"]?.arrayValue?.first?.objectValue ?? [:]
            span["start"] = .integer(Int64.random(in: 0...100, using: &random))
            span["length"] = .integer(Int64.random(in: 0...40, using: &random))
            return .object(span)
        }
        let formatted = FormattedText(["text": .string(text), "spans": .array(spans)])
        let rendered = EntityRenderer(formatted)
        _ = try MessageRules.entities(.array(rendered.entities), in: rendered.text)
        let solid: (String) -> [Unicode.Scalar] = {
            $0.unicodeScalars.filter { !$0.properties.isWhitespace && $0 != ">" }
        }
        // Scalar by scalar: a mark that follows an address becomes one character with its bracket.
        var words = solid(rendered.text)
        while let address = words.firstRange(of: Array("(a.md)".unicodeScalars)) { words.removeSubrange(address) }
        #expect(words == solid(text))
    }

    @Test func reactionsAreMappedOrRefusedByName() {
        #expect(ReactionSet.reaction(for: "❤️") == "❤")
        #expect(ReactionSet.reaction(for: "👍🏽") == "👍")
        #expect(ReactionSet.reaction(for: "✅") == "👌")
        #expect(ReactionSet.reaction(for: "🧀") == nil)
        // Both lists are written by hand, one from the adapter's and one from the server's documentation.
        #expect(ReactionSet.allowed == MessageRules.reactions)
        #expect(ReactionSet.allowed.count == 73)
    }
}
