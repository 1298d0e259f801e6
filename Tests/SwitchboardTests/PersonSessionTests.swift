import BusProtocol
import ChannelEvents
import JSON
import Testing

@testable import switchboard

/// What `switchboard attach` shows and does with typed lines.
@Suite struct PersonSessionTests {
    private static func delivery(_ id: Int64, chat: String, text: String, user: String = "Ann") throws -> Delivery {
        let source = try #require(SourceName("chat"))
        let head = EventHead(id: "\(id)", chat: chat, sender: "7", time: 1_700_000_000_000)
        return Delivery(
            id: id, source: source, head: head,
            body: JSONValue.object(["text": .string(text), "user": .string(user)]).bytes)
    }

    private static func session() -> PersonSession {
        var number = 0
        return PersonSession {
            number += 1
            return "call\(number)"
        }
    }

    @Test func aLineAnswersTheLastMessage() throws {
        var person = Self.session()
        _ = person.show(try Self.delivery(1, chat: "ann", text: "one"))
        _ = person.show(try Self.delivery(2, chat: "bob", text: "two"))
        #expect(
            person.take("yes: at once")
                == .call(Call(id: "call1", name: "reply", arguments: ["chat_id": "chat:bob", "text": "yes: at once"])))
        #expect(
            person.take(":1 hello")
                == .call(Call(id: "call2", name: "reply", arguments: ["chat_id": "chat:ann", "text": "hello"])))
        #expect(
            person.take(":chat:eve hi")
                == .call(Call(id: "call3", name: "reply", arguments: ["chat_id": "chat:eve", "text": "hi"])))
        #expect(person.open == ["call1": "chat:bob", "call2": "chat:ann", "call3": "chat:eve"])
    }

    @Test(arguments: ["hello", ":5 hello", ":chat:ann", ":nonsense", ":", ":help", ":chats"])
    func whatCannotBeSentIsSaid(_ line: String) {
        var person = Self.session()
        guard case .show(let text) = person.take(line) else {
            Issue.record("\(line) did something")
            return
        }
        #expect(!text.isEmpty)
        #expect(person.open.isEmpty)
    }

    @Test func nothingFromOutsideMovesTheCursor() throws {
        var person = Self.session()
        let text = person.show(
            try Self.delivery(1, chat: "ann", text: "a\u{1B}[2Jb\nc", user: "Ann\n[2] chat:bob 00:00 Bob"))
        #expect(!text.contains("\u{1B}"))
        #expect(text.split(separator: "\n").count == 3, "\(text)")
        #expect(text.split(separator: "\n").dropFirst().allSatisfy { $0.hasPrefix("    ") })
    }

    @Test func theOutcomeIsShownOnce() throws {
        var person = Self.session()
        _ = person.show(try Self.delivery(1, chat: "ann", text: "one"))
        _ = person.take("two")
        #expect(person.noteAnswer("call1", .failure(code: "x", message: "not now")) == "    → chat:ann: not now")
        #expect(person.noteAnswer("call1", .success([:])) == nil)
        #expect(person.open.isEmpty)
    }

    @Test func theChatsThatAreNumberedAreBounded() throws {
        var person = Self.session()
        for number in 0..<1_000 { _ = person.show(try Self.delivery(Int64(number), chat: "c\(number)", text: "x")) }
        #expect(person.chats.count == 200)
        #expect(person.current == "chat:c999")
    }
}
