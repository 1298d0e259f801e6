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

/// Files that go out with a reply, with real processes.
@Suite(.serialized, .timeLimit(.minutes(4))) struct ReplyFileTests {
    private func write(_ bytes: [UInt8], to path: String) throws {
        var draft = try PrivateDraft(path)
        try draft.append(bytes)
        try draft.keep(as: path)
    }

    @Test func theFilesOfAReplyArriveAsTheyAre() async throws {
        try await AttachmentTests.with { home, chat in
            let folder = try TemporaryFolder()
            let session = try await home.session("api")
            chat.say("the report, please", from: "ann")
            _ = try await session.channelEvents(1)
            let report = AttachmentTests.bytes(3_000_001)
            try write(report, to: folder.path + "/report.pdf")
            try write([], to: folder.path + "/empty.txt")
            let files: JSONValue = [.string(folder.path + "/report.pdf"), .string(folder.path + "/empty.txt")]
            let reply = try await session.call(
                "reply", ["chat_id": "scripted:ann", "text": "here", "files": files])
            #expect(MainJobTests.status(of: reply) == "sent", "\(reply.text)")
            let command = try await chat.command { $0.verb == "send" }
            #expect(command.arguments["text"] == "here")
            #expect(chat.files(of: command.key).map(\.name) == ["report.pdf", "empty.txt"])
            #expect(chat.files(of: command.key).map(\.bytes) == [report, []])

            // Without a word, and what came may go out again.
            let attachment = try chat.attach([1, 2, 3], id: "pic", name: "a.png", type: "image/png")
            chat.send([attachment], text: "a picture", from: "ann", id: "pic")
            let event = try await session.channelEvents(2)[1]
            let path = try #require(event.meta["image_path"])
            let back = try await session.call(
                "reply", ["chat_id": "scripted:ann", "text": "", "files": [.string(path)]])
            #expect(MainJobTests.status(of: back) == "sent", "\(back.text)")
            let second = try #require(chat.commands.filter { $0.verb == "send" }.last)
            #expect(chat.files(of: second.key).map(\.bytes) == [[1, 2, 3]])
        }
    }

    /// What a message may talk Claude into sending: nothing of Switchboard's own, nothing that is no file.
    @Test func pathTricksAreRefused() async throws {
        try await AttachmentTests.with { home, chat in
            let folder = try TemporaryFolder()
            let session = try await home.session("api")
            chat.say("send me things", from: "ann")
            _ = try await session.channelEvents(1)
            let home = home.places
            symlink(home.database, folder.path + "/notes.txt")
            link(home.database, folder.path + "/hard.txt")
            mkfifo(folder.path + "/pipe", 0o600)
            let tricks = [
                home.database, home.configurationFile, home.state + "/keys/scripted.key",
                home.files + "/../switchboard.sqlite3", folder.path + "/notes.txt", folder.path + "/hard.txt",
                folder.path + "/pipe", folder.path, "/dev/zero", "/proc/self/environ\0", "relative.txt",
                folder.path + "/none",
            ]
            for path in tricks {
                let reply = try await session.call(
                    "reply", ["chat_id": "scripted:ann", "text": "x", "files": [.string(path)]])
                #expect(reply["isError"] == true, "\(path) was taken")
                #expect(reply.text.contains("Nothing was sent"), "\(path): \(reply.text)")
            }
            #expect(chat.commands.filter { $0.verb == "send" }.isEmpty)
        }
    }

    @Test func whatIsTooLongIsRefusedAndAPlatformWithoutFilesGetsTheText() async throws {
        let configuration =
            AttachmentTests.configuration.split(separator: "{ scripted: {} }", omittingEmptySubsequences: false)
            .joined(separator: "{ scripted: {}, plain: { kind: scripted } }") + "files: { largest: 1 }\n"
        try await SwitchboardHomeFixture.with(
            configuration: configuration.split(separator: "access: {").joined(
                separator: "access: { plain: { allow: [ann] },")
        ) { home in
            let chat = try ScriptedPlatform(home.places)
            let plain = try ScriptedPlatform(home.places, source: "plain", abilities: Abilities(verbs: ["send"]))
            defer {
                chat.close()
                plain.close()
            }
            try await home.up()
            _ = try await plain.connected()
            let session = try await home.session("api")
            chat.say("one", from: "ann")
            plain.say("two", from: "ann")
            _ = try await session.channelEvents(2)
            let folder = try TemporaryFolder()
            try write(AttachmentTests.bytes(1_048_577), to: folder.path + "/large.bin")
            let files: JSONValue = [.string(folder.path + "/large.bin")]
            let large = try await session.call("reply", ["chat_id": "scripted:ann", "text": "x", "files": files])
            #expect(large["isError"] == true)
            #expect(large.text.contains("files.largest"))
            let text = try await session.call("reply", ["chat_id": "plain:ann", "text": "x", "files": files])
            #expect(MainJobTests.status(of: text) == "sent")
            #expect(text.text.contains("takes no files"))
        }
    }

    /// Beyond three parts the first one goes out, and the whole follows; only that rings.
    @Test func aVeryLongAnswerIsADocument() async throws {
        try await SwitchboardHomeFixture.with(configuration: AttachmentTests.configuration) { home in
            let chat = try ScriptedPlatform(
                home.places, abilities: Abilities(verbs: ["send"], features: ["files"], textLimit: 500))
            defer { chat.close() }
            try await home.up()
            _ = try await chat.connected()
            let session = try await home.session("api")
            chat.say("explain", from: "ann")
            _ = try await session.channelEvents(1)
            let text = (1...200).map { "Line \($0) of the **explanation**." }.joined(separator: "\n\n")
            let reply = try await session.call("reply", ["chat_id": "scripted:ann", "text": .string(text)])
            #expect(MainJobTests.status(of: reply) == "sent", "\(reply.text)")
            let sends = chat.commands.filter { $0.verb == "send" }
            #expect(sends.count == 2)
            #expect(sends.first?.arguments["text"]?.stringValue?.hasPrefix("Line 1 of the") == true)
            #expect(sends.map { $0.arguments["silent"] == true } == [true, false])
            let documents = chat.files(of: sends.last?.key ?? "")
            #expect(documents == [ScriptedPlatform.File(name: "answer.md", bytes: Array(text.utf8))])
        }
    }
}
