import BusProtocol
import ChannelEvents
import JSON

extension AdapterContract {
    /// Longer than the pieces that are under way at once, and of an odd length.
    private static let long = (0..<1_500_001).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ ($0 >> 8)) }

    func attachments(_ bench: AdapterBench) async throws {
        guard let shown = try await fixture.show(file: Self.long, identity: "file") else {
            guard bench.router.memory.value.hellos.last?.abilities.features.contains("fetch") != true else {
                throw Violation(description: "it declares fetch, and its fixture shows no file")
            }
            return
        }
        try require(shown == .acknowledged, "a message with a file was \(shown)")
        guard let event = try await bench.router.events(1).first, let head = event.head,
            let attachment = try EventBody(json: event.body).attachments.first
        else { throw Violation(description: "the message came without its attachment") }
        let whole = try await bench.router.fetch(attachment.id, event: head.id, chat: head.chat)
        try require(try whole.get() == Self.long, "the file came changed")

        // The link breaks while it travels.
        async let broken = bench.router.fetch(attachment.id, event: head.id, chat: head.chat)
        try await bench.router.stop()
        try await bench.router.start()
        try require(try await broken.get() == Self.long, "the file came changed over a link that broke")

        let small = try await bench.router.fetch(attachment.id, event: head.id, chat: head.chat, limit: 1_000)
        guard case .failure(let failure) = small, failure.code == .oversize else {
            throw Violation(description: "a file over the limit was given")
        }
        let stranger = try await bench.router.fetch("no-such-attachment", event: head.id, chat: head.chat)
        guard case .failure = stranger else { throw Violation(description: "a file that is not there was given") }
    }

    func files(_ bench: AdapterBench) async throws {
        guard bench.router.memory.value.hellos.last?.abilities.features.contains("files") == true else { return }
        try await fixture.open()
        bench.router.script { $0.files = ["long": Self.long, "empty": []] }
        var files: [JSONValue] = [
            ["id": "long", "name": "a b.txt", "type": "text/plain", "size": .integer(Int64(Self.long.count))]
        ]
        if fixture.takesEmptyFiles { files.append(["id": "empty", "name": "empty.txt", "size": 0]) }
        bench.router.command(
            PlatformCommand(
                key: "f1", verb: "send", chat: fixture.chat, arguments: ["text": "here", "files": .array(files)]))
        let outcome = try await bench.router.result("f1")
        guard case .sent = outcome else { throw Violation(description: "a send with files ended as \(outcome)") }
        guard let taken = try await fixture.takenFiles() else {
            throw Violation(description: "it declares files, and its fixture tells of none")
        }
        let wanted = fixture.takesEmptyFiles ? [Self.long, []] : [Self.long]
        try require(taken == wanted, "the platform took \(taken.map(\.count)) bytes")
    }
}
