import ChannelEvents
import JSON
import Testing

struct EventTests {
    private let head = EventHead(
        id: "-1001/55", chat: "-1001", thread: "7", sender: "99", kind: .edit, flags: [.mention], group: "g",
        fingerprint: "f", state: .firing,
        replyTo: "54", time: 1_795_442_664_123)

    @Test func aCloudEventHasWhatTheStandardAsksFor() throws {
        let source = try #require(SourceName("example"))
        let body = EventBody(text: "hi", user: "Ann", chatTitle: "Ops", attachments: [Attachment(id: "f1")])
        let event = head.cloudEvent(source: source, body: body)
        #expect(event["specversion"] == "1.0")
        #expect(event["id"] == "-1001/55")
        #expect(event["source"] == "/switchboard/example")
        #expect(event["type"] == "switchboard.edit")
        #expect(event["subject"] == "example:-1001/7")
        #expect(event["time"] == "2026-11-23T14:04:24.123Z")
        #expect(event["datacontenttype"] == "application/json")
        #expect(event["data"]?["sender"] == "99")
        #expect(event["data"]?["text"] == "hi")
        #expect(event["data"]?["attachments"] == [["id": "f1", "name": ""]])
    }

    @Test func withoutABodyItHasNoText() throws {
        let event = head.cloudEvent(source: try #require(SourceName("example")))
        #expect(event["data"]?["text"] == nil)
        #expect(event["data"]?["user"] == nil)
        #expect(event["data"]?["conversation"] == "example:-1001/7")
    }

    @Test func aHeadComesBack() throws {
        var writer = JSONWriter()
        head.write(to: &writer)
        let again = try JSONReader.read(writer.bytes) { reader throws(JSONError) in try EventHead(from: &reader) }
        #expect(again == head)
    }

    @Test func theMemberThatBreaksARuleIsNamed() {
        #expect(head.invalidMember == nil)
        let long = String(repeating: "x", count: EventHead.fieldLimit + 1)
        func check(_ change: (inout EventHead) -> Void) -> String? {
            var head = head
            change(&head)
            return head.invalidMember
        }
        #expect(check { $0.id = "" } == "id")
        #expect(check { $0.id = long } == "id")
        #expect(check { $0.chat = "" } == "chat")
        #expect(check { $0.thread = "" } == "thread")
        #expect(check { $0.sender = long } == "from")
        #expect(check { $0.kind = EventKind(rawValue: "") } == "kind")
        #expect(check { $0.group = long } == "group")
        #expect(check { $0.fingerprint = "" } == "fingerprint")
        #expect(check { $0.fingerprint = long } == "fingerprint")
        #expect(check { $0.replyTo = long } == "reply_to")
        for time in [Int64.min, -1, EventHead.times.upperBound + 1, .max] {
            #expect(check { $0.time = time } == "time")
        }
    }

    @Test func aBodyComesBackAndUnknownMembersAreIgnored() throws {
        let body = EventBody(
            text: "a\"b\n🎉", user: "Ann", chatTitle: "Ops",
            attachments: [Attachment(id: "1", name: "a.png", mediaType: "image/png", size: 3), Attachment(id: "2")],
            original: ["x": [1, nil]])
        #expect(try EventBody(json: body.json) == body)
        #expect(try EventBody(json: Array(#"{"new":[{}],"text":"t"}"#.utf8)) == EventBody(text: "t"))
    }

    @Test func aBodyIsAnObjectWithAText() {
        #expect(EventBody.isValid(Array(#"{"text":"x"}"#.utf8)))
        for bad in [
            "", "{}", "[]", "{\"text\":", "\"text\"", "{\"text\":\"x\"} 1", "{\"text\":\"x\",}", "{\"text\":5}",
            "{\"text\":null}", "{\"text\":\"x\",\"text\":\"y\"}",
        ] {
            #expect(!EventBody.isValid(Array(bad.utf8)), "\(bad)")
        }
        #expect(!EventBody.isValid(Array("{\"text\":\"".utf8) + [0xFF] + Array("\"}".utf8)), "not UTF-8")
    }
}
