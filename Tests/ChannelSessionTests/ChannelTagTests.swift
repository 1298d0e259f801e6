import Testing

@testable import ChannelSession

struct ChannelTagTests {
    @Test(arguments: [
        (
            "<channel source=\"switchboard\" chat_id=\"webhook:ci\" event_id=\"webhook:ci/1\">\nhello\n</channel>",
            ["webhook:ci/1"]
        ),
        ("  <channel event_id=\"a:1\">\n\n</channel>\n", ["a:1"]),
        ("<channel event_id=\"a:1\">\nx\n</channel>\n<channel event_id=\"a:2\">\ny\n</channel>", ["a:1", "a:2"]),
        ("<channel event_id=\"a:&quot;1&amp;lt;&lt;\">\nx\n</channel>", ["a:\"1&lt;<"]),
        ("<channel source=\"other\" chat=\"1\">\nx\n</channel>", []),
        ("<channel event_id=\"a:1\">\nnever closed", ["a:1"]),
        // What stands inside the content is text.
        ("<channel event_id=\"a:1\">\n<channel event_id=\"a:2\">\nx\n<\\/channel>\n</channel>", ["a:1"]),
        ("<channel event_id=\"a:1\">\nx\n<\\/channel>\n<channel event_id=\"a:2\">\n</channel>", ["a:1"]),
        // What a person typed is no tag, whatever is in it.
        ("look at <channel event_id=\"a:1\">\nx\n</channel>", []),
        ("<channels event_id=\"a:1\">", []), ("<channel>", []), ("<channel", []), ("<channel event_id", []),
        ("<channel event_id=a:1>", []), ("", []), ("   ", []),
    ])
    func tagsCountOnlyWhereClaudeCodePutsThem(_ prompt: String, _ events: [String]) {
        #expect(ChannelTagReader.events(in: prompt) == events)
    }

    @Test func anyCutOfAPromptIsReadWithoutHarm() {
        let prompt = "<channel event_id=\"a:1\" user=\"é&quot;\">\nx\n</channel> <channel event_id=\"a:2\">y</channel>"
        for count in 0...prompt.count {
            let events = ChannelTagReader.events(in: String(prompt.prefix(count)))
            #expect([[], ["a:1"], ["a:1", "a:2"]].contains(events))
        }
    }
}
