import AdapterKit
import SwitchboardTesting
import Testing

@testable import switchboard_telegram

@Suite struct UpdateReaderTests {
    let reader = UpdateReader(bot: .init(id: 7, username: "My_Bot"))

    func event(_ text: String) throws -> Event? {
        var journal = ReadingJournal()
        return reader.event(try JSONValue(parsing: text), now: 5, &journal)
    }

    func message(_ members: String, chat: String = #"{"id":-100,"type":"supergroup","title":"Ops"}"#) throws -> Event {
        let text = #"{"update_id":1,"message":{"message_id":88,"date":10,"chat":\#(chat),\#(members)}}"#
        return try #require(try event(text))
    }

    static let ann = #""from":{"id":42,"is_bot":false,"first_name":"Ann","last_name":"Lee"}"#

    @Test func privateTextIsDirect() throws {
        let event = try message("\(Self.ann),\"text\":\"hi\"", chat: #"{"id":42,"type":"private"}"#)
        #expect(event.head == EventHead(id: "42/88", chat: "42", sender: "42", flags: .direct, time: 10_000))
        #expect(event.body == EventBody(text: "hi", user: "Ann Lee"))
    }

    @Test func idsAreNotOfTheTransport() throws {
        let text =
            #"{"update_id":ID,"message":{"message_id":8,"date":1,"chat":{"id":4,"type":"private"},\#(Self.ann)}}"#
        let ids = try ["1", "999"].map { number in
            let parts = text.split(separator: "ID", maxSplits: 1)
            return try #require(try event(parts[0] + number + parts[1])).head.id
        }
        #expect(ids == ["4/8", "4/8"])
    }

    @Test func mentionsAreCountedInUTF16() throws {
        let entity = #""entities":[{"type":"mention","offset":3,"length":7}]"#
        #expect(try message("\(Self.ann),\"text\":\"😀 @my_bot\",\(entity)").head.flags == .mention)
        #expect(try message("\(Self.ann),\"text\":\"a  @my_bat\",\(entity)").head.flags == [])
        let command = #""text":"/run@my_bot","entities":[{"type":"bot_command","offset":0,"length":11}]"#
        #expect(try message("\(Self.ann),\(command)").head.flags == .mention)
        let wild =
            #""text":"x","entities":[{"type":"mention","offset":-9223372036854775808,"length":9223372036854775807}]"#
        #expect(try message("\(Self.ann),\(wild)").head.flags == [])
    }

    @Test func answersToUsAddressUsButTopicsOpenedByUsDoNot() throws {
        let answer = try message(
            "\(Self.ann),\"text\":\"a\",\"reply_to_message\":{\"message_id\":3,\"from\":{\"id\":7}}")
        #expect(answer.head.flags == .mention)
        #expect(answer.head.replyTo == "-100/3")
        let opening = #""reply_to_message":{"message_id":9,"from":{"id":7},"forum_topic_created":{}}"#
        let topic = try message(
            "\(Self.ann),\"text\":\"a\",\"message_thread_id\":9,\"is_topic_message\":true,\(opening)")
        #expect(topic.head.flags == [])
        #expect(topic.head.replyTo == nil)
        #expect(topic.head.thread == "9")
        #expect(try message("\(Self.ann),\"text\":\"a\",\"message_thread_id\":9").head.thread == nil)
    }

    @Test func aChatThatSpeaksIsTheSender() throws {
        let stand = #""from":{"id":1087968824,"is_bot":true,"first_name":"Group"}"#
        let event = try message("\(stand),\"sender_chat\":{\"id\":-100,\"title\":\"Ops\"},\"text\":\"a\"")
        #expect(event.head.sender == "-100")
        #expect(!event.head.flags.contains(.bot))
        #expect(try message("\(stand),\"text\":\"a\"").head.flags.contains(.bot))
    }

    @Test func editsAlbumsAndTaps() throws {
        let edit = try event(
            #"{"edited_message":{"message_id":8,"date":1,"edit_date":9,"chat":{"id":4,"type":"private"},\#(Self.ann),"text":"b"}}"#
        )
        #expect(edit?.head.id == "4/8/edit/9")
        #expect(edit?.head.kind == .edit)
        let photo = #""photo":[{"file_id":"s"},{"file_id":"l","file_size":9}],"caption":"c","media_group_id":"77""#
        let album = try message("\(Self.ann),\(photo)")
        #expect(album.head.group == "77")
        #expect(album.body.attachments == [Attachment(id: "l", mediaType: "image/jpeg", size: 9)])
        #expect(album.body.text == "c")
        let tap = try event(
            #"{"callback_query":{"id":"q1",\#(Self.ann),"data":"a:1","message":{"message_id":5,"date":0,"chat":{"id":4,"type":"private"}}}}"#
        )
        #expect(tap?.head.id == "callback/q1")
        #expect(tap?.head.action == "a:1")
        #expect(tap?.head.replyTo == "4/5")
        #expect(tap?.head.time == 5)
    }

    @Test func unknownKindsHaveAName() throws {
        #expect(try message("\(Self.ann),\"hologram_note\":{}").body.text == "[hologram note]")
        #expect(try message("\(Self.ann)").body.text == "[message of an unknown kind]")
        #expect(try message("\(Self.ann),\"voice\":{\"file_id\":\"v\"}").body.text == "[voice]")
        #expect(try event(#"{"update_id":3,"novelty":{}}"#) == nil)
    }

    @Test func namesOfFilesAreTamed() throws {
        let document = #""document":{"file_id":"f","file_name":"../../etc/passwd","mime_type":"text/plain"}"#
        #expect(try message("\(Self.ann),\(document)").body.attachments.first?.name == "passwd")
    }

    /// Broken updates are passed over; what is made of them can always be stored.
    @Test(arguments: 0..<20) func damagedUpdatesNeverCrash(_ seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let sample = Array(
            #"{"update_id":1,"message":{"message_id":88,"date":10,"chat":{"id":-1,"type":"group"},\#(Self.ann),"text":"😀 @my_bot","entities":[{"type":"mention","offset":3,"length":7}],"reply_to_message":{"message_id":3}}}"#
                .utf8)
        let spices = Array("0123456789-{}[],:\"aez".utf8)
        for _ in 0..<500 {
            var bytes = sample
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let index = Int.random(in: bytes.indices, using: &generator)
                bytes[index] = spices[Int.random(in: spices.indices, using: &generator)]
            }
            let update: JSONValue
            do throws(JSONError) { update = try JSONValue(parsing: bytes) } catch { continue }
            var journal = ReadingJournal()
            if let event = reader.event(update, now: 0, &journal) { #expect(event.head.invalidMember == nil) }
        }
    }
}
