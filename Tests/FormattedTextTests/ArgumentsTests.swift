import FormattedText
import JSON
import Markdown
import Testing

@Suite struct ArgumentsTests {
    @Test func whatIsWrittenIsRead() throws {
        let whole = FormattedText(
            markdown: "# 😀\n\n**a *b*** ~~c~~ `d` [e](https://a.example)\n\n> f\n\n```swift\ng\n```\n\n```\nh\n```")
        #expect(whole.spans.count == 9)
        let bytes = JSONValue.object(whole.arguments).bytes
        #expect(FormattedText(try JSONValue(parsing: bytes)) == whole)
        #expect(FormattedText(text: "plain").arguments["spans"] == nil)
    }

    @Test func unsoundSpansAreLeftOut() {
        func span(_ start: Int64, _ length: Int64, _ style: String = "bold") -> JSONValue {
            ["style": .string(style), "start": .integer(start), "length": .integer(length)]
        }
        let arguments: JSONValue = [
            "text": "a😀b",
            "spans": [
                span(3, 1), span(0, 0), span(-1, 2), span(0, 5), span(2, 1), span(0, 2), span(0, .max), span(4, 1),
                span(0, 1, "blink"), span(0, 1, "link"), span(0, 1, "heading"), span(0, 4), [], 7,
            ],
        ]
        #expect(
            FormattedText(arguments).spans == [.init(.bold, start: 0, length: 4), .init(.bold, start: 3, length: 1)])
        #expect(FormattedText(JSONValue.array([])).text.isEmpty)
    }

    @Test func aPrefixMovesTheSpans() {
        let named = FormattedText(markdown: "**a** b").prefixed(by: "😀: ")
        #expect(named.text == "😀: a b")
        #expect(named.spans == [.init(.bold, start: 4, length: 1)])
    }
}
