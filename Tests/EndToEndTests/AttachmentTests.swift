import BusProtocol
import ChannelEvents
import JSON
import OperatingHome
import SwitchboardTesting
import Testing

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Files that come with messages, with real processes.
@Suite(.serialized, .timeLimit(.minutes(3))) struct AttachmentTests {
    static let configuration = """
        adapters: { scripted: {} }
        access: { scripted: { allow: [ann, eve] } }
        delivery: { attach_settle: 0s, first_push_wait: 0s }

        """

    static func with(
        _ more: String = "", _ body: (SwitchboardHomeFixture, ScriptedPlatform) async throws -> Void
    ) async throws {
        try await SwitchboardHomeFixture.with(configuration: configuration + more) { home in
            let chat = try ScriptedPlatform(home.places)
            defer { chat.close() }
            try await home.up()
            _ = try await chat.connected()
            try await body(home, chat)
        }
    }

    static func bytes(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
    }

    static func read(_ path: String?) throws -> [UInt8]? {
        try path.flatMap { try SmallFile.read($0, limit: 1 << 30) }
    }

    @Test func aPictureIsThereWithItsMessage() async throws {
        try await Self.with { home, chat in
            let session = try await home.session("api")
            let picture = Self.bytes(700_001)
            let attachment = try chat.attach(picture, id: "f1", name: "../../etc/pass wd.PNG", type: "image/png")
            chat.send([attachment], text: "look", from: "ann", id: "1")
            chat.say("and?", from: "ann")
            let events = try await session.channelEvents(2)
            #expect(events.map(\.content) == ["look", "and?"])
            let path = try #require(events[0].meta["image_path"])
            #expect(path.hasPrefix(home.places.files + "/"))
            #expect(path.hasSuffix(".png"))
            #expect(try Self.read(path) == picture)
            #expect(events[1].meta["image_path"] == nil)
            var status = stat()
            #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
        }
    }

    @Test func aPictureThatDoesNotComeInTimeIsNotWaitedFor() async throws {
        try await Self.with("files: { image_wait: 300ms }\n") { home, chat in
            let session = try await home.session("api")
            chat.giveFiles { _ in .hold }
            chat.send(
                [try chat.attach([1, 2, 3], id: "slow", name: "s.jpg", type: "image/jpeg")], text: "slow", from: "ann",
                id: "1")
            // Another conversation does not wait at all; the same one keeps its order.
            chat.say("other", from: "eve")
            chat.say("behind", from: "ann")
            let events = try await session.channelEvents(3)
            #expect(events.map(\.content) == ["other", "slow", "behind"])
            #expect(events[1].meta["image_path"] == nil)
            #expect(events[1].meta["attachments"] == "s.jpg")
            chat.releaseFiles()
            let result = try await session.call("download_attachment", ["event_id": "scripted:1"])
            #expect(try Self.read(result["structuredContent"]?["path"]?.stringValue) == [1, 2, 3])
        }
    }

    @Test func aDocumentComesWhenItIsWanted() async throws {
        try await Self.with { home, chat in
            let session = try await home.session("api")
            let document = Self.bytes(5_000_000)
            let files = [
                try chat.attach([], id: "empty", name: "empty.txt", type: "text/plain"),
                try chat.attach(document, id: "doc", name: "report.pdf", type: "application/pdf"),
            ]
            chat.send(files, text: "read this", from: "ann", id: "1")
            let event = try await session.channelEvents(1)[0]
            #expect(event.meta["attachments"] == "empty.txt, report.pdf")
            let id = JSONValue.string(try #require(event.meta["event_id"]))
            let result = try await session.call("download_attachment", ["event_id": id, "number": 2])
            let path = try #require(result["structuredContent"]?["path"]?.stringValue)
            #expect(path.hasSuffix(".pdf"))
            #expect(try Self.read(path) == document)
            // Once here it is not fetched again.
            _ = try await session.call("download_attachment", ["event_id": id, "number": 2])
            #expect(try await chat.fetched(1) == ["doc"])
            let empty = try await session.call("download_attachment", ["event_id": id])
            #expect(try Self.read(empty["structuredContent"]?["path"]?.stringValue) == [])

            for (arguments, words) in [
                (["event_id": id, "number": 3] as JSONValue, "2 attachments"),
                (["event_id": "scripted:none"], "event_id"), (["event_id": "x"], "event_id"),
            ] {
                let refused = try await session.call("download_attachment", arguments)
                #expect(refused["isError"] == true)
                #expect(refused.text.contains(words), "\(refused.text)")
            }
        }
    }

    @Test func whatExpiresIsFetchedAtOnce() async throws {
        try await Self.with { home, chat in
            let session = try await home.session("api")
            let attachment = try chat.attach([9, 9], id: "soon", name: "a.zip", expires: true)
            chat.send([attachment], text: "quick", from: "ann", id: "1")
            _ = try await session.channelEvents(1)
            #expect(try await chat.fetched(1) == ["soon"])
            chat.giveFiles { _ in .refuse(FetchFailure(.gone, "the link has expired")) }
            let result = try await session.call("download_attachment", ["event_id": "scripted:1"])
            #expect(try Self.read(result["structuredContent"]?["path"]?.stringValue) == [9, 9])
        }
    }

    @Test func aRefusalIsSaidInWords() async throws {
        try await Self.with("files: { largest: 1 }\n") { home, chat in
            let session = try await home.session("api")
            chat.giveFiles { _ in .refuse(FetchFailure(.gone, "the message was deleted")) }
            chat.send(
                [
                    try chat.attach([1], id: "a", name: "a.txt"),
                    try chat.attach(Self.bytes(1_100_000), id: "b", name: "b.txt"),
                ], text: "x", from: "ann", id: "1")
            _ = try await session.channelEvents(1)
            let gone = try await session.call("download_attachment", ["event_id": "scripted:1"])
            #expect(gone["isError"] == true)
            #expect(gone.text.contains("the message was deleted"))
            let large = try await session.call("download_attachment", ["event_id": "scripted:1", "number": 2])
            #expect(large.text.contains("files.largest"))
            #expect(try await chat.fetched(1) == ["a"])
        }
    }
}
