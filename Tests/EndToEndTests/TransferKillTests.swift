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

/// Processes that die while files travel, and what the others notice of the bytes.
@Suite(.serialized, .timeLimit(.minutes(5))) struct TransferKillTests {
    private static let configuration = "files: { largest: 200, total: 400 }\n"

    private func message(_ chat: ScriptedPlatform, _ bytes: [UInt8]) throws {
        chat.send([try chat.attach(bytes, id: "long", name: "long.bin")], text: "a file", from: "ann", id: "1")
    }

    /// The router's process of a home.
    private func routerPID(_ home: SwitchboardHomeFixture) async throws -> Int32 {
        let status = try JSONValue(parsing: Array(try await home.switchboard("status", "--json").output.utf8))
        return Int32(truncatingIfNeeded: try #require(status["router"]?["pid"]?.integerValue))
    }

    @Test func anAdapterThatIsKilledBeginsAnew() async throws {
        try await AttachmentTests.with(Self.configuration) { home, chat in
            let session = try await home.session("api")
            let bytes = AttachmentTests.bytes(30_000_000)
            try message(chat, bytes)
            _ = try await session.channelEvents(1)
            let first = try await chat.connected()
            let call = try session.begin("download_attachment", ["event_id": "scripted:1"])
            _ = try await chat.fetched(1)
            kill(first, SIGKILL)
            let answer = try await session.response(to: call, within: .seconds(50))
            let path = answer["result"]?["structuredContent"]?["path"]?.stringValue
            #expect(try AttachmentTests.read(path) == bytes, "\(answer.text)")
        }
    }

    @Test func aRouterThatIsKilledBeginsAnew() async throws {
        try await AttachmentTests.with(Self.configuration) { home, chat in
            let session = try await home.session("api")
            let bytes = AttachmentTests.bytes(30_000_000)
            try message(chat, bytes)
            _ = try await session.channelEvents(1)
            chat.giveFiles { _ in .hold }
            let pid = try await routerPID(home)
            let call = try session.begin("download_attachment", ["event_id": "scripted:1"])
            _ = try await chat.fetched(1)
            kill(pid, SIGKILL)
            chat.releaseFiles()
            let answer = try await session.response(to: call, within: .seconds(50))
            let path = answer["result"]?["structuredContent"]?["path"]?.stringValue
            #expect(try AttachmentTests.read(path) == bytes, "\(answer.text)")
            #expect(try FolderListing.names(home.places.files + "/.drafts").isEmpty)
        }
    }

    /// The same while a reply's files are on their way out: it arrives once.
    @Test func aReplyWithFilesSurvivesTheRouter() async throws {
        try await AttachmentTests.with(Self.configuration) { home, chat in
            let session = try await home.session("api")
            chat.say("the report", from: "ann")
            _ = try await session.channelEvents(1)
            let folder = try TemporaryFolder()
            let bytes = AttachmentTests.bytes(40_000_000)
            var draft = try PrivateDraft(folder.path + "/report.bin")
            try draft.append(bytes)
            try draft.keep(as: folder.path + "/report.bin")
            let pid = try await routerPID(home)
            let call = try session.begin(
                "reply",
                ["chat_id": "scripted:ann", "text": "here", "files": [.string(folder.path + "/report.bin")]])
            while try FolderListing.names(home.places.files + "/.drafts").isEmpty { await Task.yield() }
            kill(pid, SIGKILL)
            let answer = try await session.response(to: call, within: .seconds(50))
            #expect(MainJobTests.status(of: answer["result"] ?? [:]) == "sent", "\(answer.text)")
            let sends = chat.commands.filter { $0.verb == "send" }
            #expect(sends.count == 1)
            #expect(chat.files(of: sends.last?.key ?? "").map(\.bytes) == [bytes])
        }
    }

    /// A hundred megabytes travel, and the router takes no more memory than before; messages pass them.
    @Test func messagesPassAHundredMegabytesAndMemoryIsFlat() async throws {
        try await AttachmentTests.with(Self.configuration) { home, chat in
            let session = try await home.session("api")
            let pid = try await routerPID(home)
            try message(chat, [UInt8](repeating: 7, count: 100 << 20))
            _ = try await session.channelEvents(1)
            let before = try Self.memory(of: pid)
            let call = try session.begin("download_attachment", ["event_id": "scripted:1"])
            _ = try await chat.fetched(1)
            // By the order of events: what is said while the bytes travel is there before they are.
            for number in 1...20 { chat.say("now \(number)", from: "ann") }
            let events = try await session.channelEvents(21)
            #expect(events.last?.content == "now 20")
            #expect(!session.hasAnswered(call), "the messages waited for the bytes")
            let answer = try await session.response(to: call, within: .seconds(50))
            #expect(answer["result"]?["structuredContent"]?["size"] == .integer(100 << 20), "\(answer.text)")
            let after = try Self.memory(of: pid)
            #expect(after < before + (24 << 20), "the router grew from \(before) to \(after) bytes")
        }
    }

    @Test func theOldestFilesMakeRoom() async throws {
        try await AttachmentTests.with("files: { largest: 1, total: 2 }\n") { home, chat in
            let session = try await home.session("api")
            var paths: [String] = []
            for number in 1...4 {
                let bytes = AttachmentTests.bytes(1_000_000, seed: UInt64(number))
                let file = try chat.attach(bytes, id: "f\(number)", name: "f\(number).bin")
                chat.send([file], text: "f\(number)", from: "ann", id: "\(number)")
                _ = try await session.channelEvents(number)
                let result = try await session.call(
                    "download_attachment", ["event_id": .string("scripted:\(number)")])
                paths.append(try #require(result["structuredContent"]?["path"]?.stringValue))
            }
            while access(paths[0], F_OK) == 0 { await Task.yield() }
            #expect(access(paths[3], F_OK) == 0)
            // It comes again when it is wanted again.
            let again = try await session.call("download_attachment", ["event_id": "scripted:1"])
            #expect(try AttachmentTests.read(again["structuredContent"]?["path"]?.stringValue)?.count == 1_000_000)
        }
    }

    /// Resident memory of a process, in bytes.
    private static func memory(of pid: Int32) throws -> Int {
        let text = try SmallFile.read("/proc/\(pid)/statm", limit: 4_096).map { String(decoding: $0, as: UTF8.self) }
        return (text?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) * 4_096
    }
}
