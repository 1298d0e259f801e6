import AdapterKit
import SwitchboardTesting
import Testing

@testable import switchboard_telegram

/// Updates as a hostile or a future server could send them: whatever comes, an event that can be stored or none.
@Suite struct UpdateFuzzTests {
    static let ann: JSONValue = ["id": 42, "is_bot": false, "first_name": "Ann"]
    static let group: JSONValue = ["id": -100, "type": "supergroup", "title": "Ops", "is_forum": true]
    static let file: JSONValue = [
        "file_id": "f", "file_unique_id": "u", "file_name": "a.txt", "mime_type": "text/plain", "file_size": 9,
    ]

    static func message(_ members: JSONObject) -> JSONValue {
        var message: JSONObject = [
            "message_id": 88, "date": 1_760_000_000, "from": ann, "chat": group, "message_thread_id": 7,
            "is_topic_message": true,
        ]
        for member in members { message[member.key] = member.value }
        return .object(message)
    }

    /// One of each kind.
    static let samples: [JSONValue] = [
        ["message": message(["text": "😀 @my_bot", "entities": [["type": "mention", "offset": 3, "length": 7]]])],
        ["edited_message": message(["text": "b", "edit_date": 1_760_000_009])],
        ["channel_post": message(["text": "c", "sender_chat": group])],
        ["message": message(["photo": [["file_id": "s"], file], "caption": "c", "media_group_id": "77"])],
        ["message": message(["document": file])], ["message": message(["voice": file])],
        ["message": message(["sticker": ["file_id": "f", "emoji": "🎉"]])],
        ["message": message(["location": ["latitude": 1, "longitude": 2]])],
        ["message": message(["venue": ["location": ["latitude": 1, "longitude": 2], "title": "Bar"]])],
        ["message": message(["contact": ["first_name": "Bob", "phone_number": "+1"]])],
        ["message": message(["poll": ["question": "?", "options": [["text": "a"], ["text": "b"]]]])],
        ["message": message(["text": "x", "quote": ["text": "q"], "reply_to_message": message(["text": "y"])])],
        ["message": message(["text": "x", "forward_origin": ["type": "user", "sender_user": ann]])],
        ["message": message(["migrate_to_chat_id": -1_001_234])],
        ["message": message(["migrate_from_chat_id": -5])], ["message": message(["hologram": [:]])],
        ["callback_query": ["id": "q1", "from": ann, "data": "a:1", "message": message(["text": "card"])]],
        [
            "message_reaction": [
                "chat": group, "message_id": 8, "user": ann, "date": 1,
                "new_reaction": [["type": "emoji", "emoji": "👍"]],
            ]
        ],
        [
            "my_chat_member": [
                "chat": group, "from": ann, "date": 1, "old_chat_member": ["status": "left", "user": ann],
                "new_chat_member": ["status": "member", "user": ann],
            ]
        ],
    ]

    @Test func everySampleIsAnEvent() {
        let reader = UpdateReader(bot: .init(id: 7, username: "My_Bot"))
        for sample in Self.samples {
            var journal = ReadingJournal()
            #expect(reader.event(sample, now: 0, &journal) != nil, "\(sample.text)")
        }
    }

    @Test(arguments: 0..<16) func nothingThatComesCrashes(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let reader = UpdateReader(bot: .init(id: 7, username: "My_Bot"))
        var journal = ReadingJournal()
        for _ in 0..<400 {
            var update = Self.samples.randomElement(using: &random) ?? nil
            for _ in 0..<Int.random(in: 1...4, using: &random) { update = Self.damaged(update, &random) }
            let event = reader.event(update, now: 0, &journal)
            #expect(event?.head.invalidMember == nil)
            #expect(journal.cursor.bytes.count < 64 << 10)
        }
    }

    /// The value with one of its parts replaced by something that does not belong there.
    private static func damaged(_ value: JSONValue, _ random: inout SeededGenerator) -> JSONValue {
        switch value {
        case .object(var object) where !object.isEmpty && Int.random(in: 0..<8, using: &random) > 0:
            guard let member = object.randomElement(using: &random) else { return value }
            object[member.key] = damaged(member.value, &random)
            return .object(object)
        case .array(var list) where !list.isEmpty && Int.random(in: 0..<8, using: &random) > 0:
            let index = Int.random(in: list.indices, using: &random)
            list[index] = damaged(list[index], &random)
            return .array(list)
        default:
            let strange: [JSONValue] = [
                nil, true, 0, -1, .integer(.max), .integer(.min), .number(1e300), "", "\u{0}", "😀",
                .string(String(repeating: "x", count: 9_000)), .string(String(repeating: "👨‍👩‍👧‍👦", count: 400)), [], [:],
                ["id": .integer(.min)], samples.randomElement(using: &random) ?? nil,
            ]
            return strange.randomElement(using: &random) ?? nil
        }
    }
}
