import AdapterKit
import Testing

@testable import switchboard_telegram

@Suite struct ReadingJournalTests {
    @Test func editsOfOneSecondAreToldApart() {
        var journal = ReadingJournal()
        #expect(journal.editID(of: "4/8", second: 9) == "4/8/edit/9")
        #expect(journal.editID(of: "4/8", second: 9) == "4/8/edit/9/2")
        #expect(journal.editID(of: "4/9", second: 9) == "4/9/edit/9")
        // A process that begins anew from the committed cursor goes on counting.
        var next = ReadingJournal(cursor: journal.cursor)
        #expect(next == journal)
        #expect(next.editID(of: "4/8", second: 9) == "4/8/edit/9/3")
    }

    @Test func whatIsReadAgainGetsTheSameIDs() {
        let committed = ReadingJournal(cursor: ["offset": 5])
        var first = committed
        var second = committed
        #expect(first.editID(of: "4/8", second: 9) == second.editID(of: "4/8", second: 9))
        #expect(first.editID(of: "4/8", second: 9) == second.editID(of: "4/8", second: 9))
    }

    @Test func theCursorStaysSmall() {
        var journal = ReadingJournal()
        for second in 0..<1000 { _ = journal.editID(of: "4/8", second: Int64(second)) }
        for chat in 1...1000 { journal.moves.add(old: "-\(chat)", new: "-100\(chat)") }
        #expect(journal.cursor.bytes.count < 16 << 10)
        #expect(ReadingJournal(cursor: journal.cursor) == journal)
    }

    @Test func aGroupThatMovedKeepsItsID() throws {
        let reader = UpdateReader(bot: .init(id: 7, username: "my_bot"))
        var journal = ReadingJournal()
        let ann: JSONValue = ["id": 42, "is_bot": false, "first_name": "Ann"]
        let old: JSONValue = ["id": -5, "type": "group", "title": "Ops"]
        let new: JSONValue = ["id": -1005, "type": "supergroup", "title": "Ops"]
        let move: JSONValue = [
            "message": ["message_id": 9, "date": 1, "chat": old, "from": ann, "migrate_to_chat_id": -1005]
        ]
        #expect(reader.event(move, now: 0, &journal)?.head.kind == .membership)
        let said: JSONValue = ["message": ["message_id": 9, "date": 2, "chat": new, "from": ann, "text": "hi"]]
        let event = try #require(reader.event(said, now: 0, &journal))
        // The chat is the one that routes and access know; the id is of the message itself, whose numbers began anew.
        #expect(event.head.chat == "-5")
        #expect(event.head.id == "-1005/9")
        #expect(ReadingJournal(cursor: journal.cursor).moves.platformID(of: "-5") == "-1005")
    }

    @Test func messageIDsNameTheirChat() {
        #expect(MessageID("42/88") == MessageID(chat: "42", number: 88))
        #expect(MessageID("88")?.number(in: "42") == 88)
        #expect(MessageID("4/8/edit/9")?.number == 8)
        #expect(MessageID("-5/9")?.number(in: "-1005") == nil)
        #expect(MessageID("callback/q1") == nil)
        #expect(MessageID("x") == nil)
        #expect(MessageID("4//8") == nil)
    }

    @Test func chainsAndCirclesOfMovesAreNotMade() {
        var moves = ChatMoves()
        moves.add(old: "-1", new: "-1")
        moves.add(old: "-1", new: "-2")
        moves.add(old: "-2", new: "-1")
        moves.add(old: "-1", new: "-3")
        #expect(moves.json == ["-1": "-2"])
    }
}
