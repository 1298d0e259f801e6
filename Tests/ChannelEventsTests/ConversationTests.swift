import ChannelEvents
import Testing

struct ConversationTests {
    private var source: SourceName {
        get throws { try #require(SourceName("example")) }
    }

    @Test(arguments: ["42", "-1001", "a/b", "100%", "%2F", "%25/%", "/", "a:b", "+15551230001", "grüße", " "])
    func theTextFormIsReadBack(chat: String) throws {
        for thread in [nil, "7", "a/b", "%2F", ":"] {
            let conversation = Conversation(source: try source, chat: chat, thread: thread)
            #expect(Conversation(conversation.description) == conversation)
        }
    }

    @Test func theTextFormIsAContract() throws {
        #expect(Conversation(source: try source, chat: "42").description == "example:42")
        #expect(Conversation(source: try source, chat: "-1001", thread: "7").description == "example:-1001/7")
        #expect(Conversation(source: try source, chat: "a/b%").description == "example:a%2Fb%25")
    }

    @Test(arguments: [
        "", "42", ":42", "example:", "example:/7", "example:42/", "Example:42", "ex ample:42", "example:%zz",
        "example:%2",
    ])
    func otherTextIsNoConversation(text: String) {
        #expect(Conversation(text) == nil)
    }

    @Test func twoConversationsNeverShareAText() throws {
        let chats = ["a", "a/b", "a%2Fb", "a%252Fb", "a%"]
        let threads = [nil, "b", "b/c"]
        var texts: Set<String> = []
        for chat in chats {
            for thread in threads {
                texts.insert(Conversation(source: try source, chat: chat, thread: thread).description)
            }
        }
        #expect(texts.count == chats.count * threads.count)
    }

    @Test func sourceNames() {
        for name in ["a", "telegram-work", "x1", String(repeating: "a", count: 32)] {
            #expect(SourceName(name)?.text == name)
        }
        for name in ["", "1a", "-a", "A", "a_b", "a.b", "é", String(repeating: "a", count: 33)] {
            #expect(SourceName(name) == nil)
        }
    }

    @Test func eventKeys() throws {
        let key = EventKey(source: try source, id: "42/1001:x")
        #expect(key.description == "example:42/1001:x")
        #expect(EventKey(key.description) == key)
        #expect(EventKey("example:") == nil)
        #expect(EventKey("42") == nil)
    }
}
