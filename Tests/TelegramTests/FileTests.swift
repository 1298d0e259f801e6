import AdapterKit
import NIOCore
import SwitchboardTesting
import Synchronization
import Testing

@testable import switchboard_telegram
@testable import telegram_simulator

@Suite(.serialized) struct FileTests {
    static func file(_ name: String, _ type: String?, _ size: Int64 = 10) -> JSONValue {
        var file: JSONObject = ["id": .string(name), "name": .string(name), "size": .integer(size)]
        if let type { file["type"] = .string(type) }
        return .object(file)
    }

    static func command(_ files: [JSONValue], text: String = "") -> PlatformCommand {
        PlatformCommand(
            key: "f", verb: "send", chat: "42", arguments: ["text": .string(text), "files": .array(files)])
    }

    @Test func filesOfOneKindGoTogether() {
        let files = Self.command([
            Self.file("a.png", "image/png"), Self.file("b.jpg", "image/jpeg"), Self.file("c.gif", "image/gif"),
            Self.file("d.gif", "image/gif"), Self.file("e.txt", "text/plain"), Self.file("f", nil),
            Self.file("huge.png", "image/png", 11 << 20),
        ]).files
        let plan = FilePlan(files, text: "x")
        #expect(
            plan.messages == [
                .init(files: [0, 1], kind: .photo), .init(files: [2], kind: .animation),
                .init(files: [3], kind: .animation), .init(files: [4, 5, 6], kind: .document),
            ])
        #expect(plan.isCaptioned)
        #expect(!FilePlan(files, text: String(repeating: "x", count: 1025)).isCaptioned)
        let many = Self.command((0..<23).map { Self.file("\($0).txt", "text/plain") }).files
        #expect(FilePlan(many, text: "").messages.map(\.files.count) == [10, 10, 3])
    }

    @Test func pathsOfTheServerLeadNowhereElse() {
        #expect(FileReader.address("documents/file_1.txt") == "documents/file_1.txt")
        #expect(FileReader.address("a b/ü?x#y") == "a%20b/%C3%BC%3Fx%23y")
        for bad in ["../token", "a//b", "a/./b", "/", ""] { #expect(FileReader.address(bad) == nil) }
    }

    @Test func refusalsOfFilesSayWhy() {
        let big = CallFailure(cause: .refused(400), reason: "Bad Request: file is too big")
        #expect(FileReader.failure(big).code == .oversize)
        #expect(FileReader.failure(big).message.contains("20 MB"))
        #expect(FileReader.failure(CallFailure(cause: .refused(400), reason: "wrong file_id")).code == .gone)
        #expect(FileReader.failure(CallFailure(cause: .unreachable, reason: "off")).code == .unavailable)
    }

    @Test func aFormHasTheLengthItSays() async throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/a.bin"
        let bytes = (0..<200_001).map { UInt8(truncatingIfNeeded: $0) }
        try PrivateFile.replace(path, bytes)
        var form = MultipartForm(["chat_id": 42, "media": [["type": "document"]], "caption": "ü"])
        form.add("document", path: path, size: Int64(bytes.count), fileName: "a\"\n.bin", mediaType: nil)
        var sent: [UInt8] = []
        for try await part in form.stream { sent += Array(part.readableBytesView) }
        #expect(Int64(sent.count) == form.length)
        let read = try RequestForm(contentType: form.contentType, body: sent, query: "")
        #expect(read.integer("chat_id") == 42)
        #expect(try read.json("media") == [["type": "document"]])
        #expect(read.text("caption") == "ü")
        #expect(read.files["document"]?.bytes == bytes)
        #expect(read.files["document"]?.name == "a.bin")
    }

    private func with(_ body: (TelegramFixture, AdapterBench) async throws -> Void) async throws {
        let fixture = try await TelegramFixture()
        let bench = try AdapterBench(fixture)
        do {
            try await bench.start()
            try await body(fixture, bench)
        } catch {
            await bench.stop()
            await fixture.close()
            throw error
        }
        await bench.stop()
        await fixture.close()
    }

    @Test(.timeLimit(.minutes(2))) func anAlbumGoesOutAsOne() async throws {
        try await with { fixture, bench in
            bench.router.script { $0.files = ["a.png": [1, 2, 3], "b.png": [4, 5, 6, 7]] }
            var command = Self.command(
                [Self.file("a.png", "image/png", 3), Self.file("b.png", "image/png", 4)], text: "two 🎉")
            command.key = "k1"
            bench.router.command(command)
            let outcome = try await bench.router.result("k1")
            #expect(outcome == .sent(ids: ["42/1", "42/2"]))
            let shown = fixture.platform.shown(in: 42)
            #expect(Set(shown.compactMap { $0["media_group_id"] }).count == 1)
            #expect(shown.compactMap { $0["caption"] } == ["two 🎉"])
        }
    }

    @Test(.timeLimit(.minutes(2))) func whatTheServerGivesNobodyIsSaid() async throws {
        try await with { fixture, bench in
            fixture.platform.sendFile([1], name: "big.bin", size: 21 << 20, from: 42)
            let event = try await bench.router.events(1)[0]
            let attachment = try #require(try EventBody(json: event.body).attachments.first)
            let head = try #require(event.head)
            let answer = try await bench.router.fetch(attachment.id, event: head.id, chat: head.chat)
            guard case .failure(let failure) = answer else {
                Issue.record("a file over the server's limit was given")
                return
            }
            #expect(failure.code == .oversize)
            #expect(failure.message.contains("20 MB"))
        }
    }

    @Test(.timeLimit(.minutes(2))) func aLocalServersFilesAreReadFromDisk() async throws {
        try await with { fixture, bench in
            let folder = try TemporaryFolder()
            fixture.platform.change { state, _ in state.filesFolder = folder.path }
            fixture.platform.sendFile([9, 8, 7], name: "a.bin", from: 42)
            let event = try await bench.router.events(1)[0]
            let attachment = try #require(try EventBody(json: event.body).attachments.first)
            let path = try #require(fixture.platform.state.withLock { $0.files[attachment.id]?.path })
            try PrivateFolder.make("\(folder.path)/documents")
            try PrivateFile.replace("\(folder.path)/\(path)", [9, 8, 7])
            let answer = try await bench.router.fetch(attachment.id, event: event.head?.id ?? "", chat: "42")
            #expect(try answer.get() == [9, 8, 7])
        }
    }
}
