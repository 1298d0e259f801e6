import BusProtocol
import JSON
import Testing

struct GoldenTests {
    @Test(arguments: GoldenMessages.files.map(\.name))
    func bytesDecodeToTheValueAndBack(name: String) throws {
        let expected = try #require(GoldenMessages.files.first { $0.name == name }).messages
        let file = try GoldenFile(name)
        try #require(file.messages.count == expected.count)
        for (golden, value) in zip(file.messages, expected) {
            let frames = try BusFrames(parts: golden.parts)
            #expect(frames.command.rawValue == name)
            let decoded: GoldenMessages.Message =
                golden.isFromPeer ? .toRouter(try PeerMessage(frames)) : .toPeer(try RouterMessage(frames))
            #expect(decoded == value)
            #expect(value.frames.parts.map(Self.text) == golden.parts.map(Self.text))
            #expect(value.frames.parts == golden.parts)
        }
    }

    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    @Test func everyCommandHasAFileAndEveryFileACommand() throws {
        #expect(try GoldenFile.names == Set(Command.allCases.map(\.rawValue)))
        #expect(Set(GoldenMessages.files.map(\.name)) == Set(Command.allCases.map(\.rawValue)))
    }

    @Test(arguments: GoldenMessages.files.map(\.name))
    func whatOneSideSaysTheOtherMayNot(name: String) throws {
        for golden in try GoldenFile(name).messages {
            let frames = try BusFrames(parts: golden.parts)
            guard ![.ack, .heartbeat, .bye, .fetch, .chunk].contains(frames.command) else { continue }
            let error = #expect(throws: ProtocolError.self) {
                if golden.isFromPeer { _ = try RouterMessage(frames) } else { _ = try PeerMessage(frames) }
            }
            #expect(error?.code == .unexpected)
        }
    }

    /// A newer peer may say more: unknown keys are ignored everywhere.
    @Test(arguments: GoldenMessages.files.map(\.name))
    func unknownKeysAreIgnored(name: String) throws {
        let expected = try #require(GoldenMessages.files.first { $0.name == name }).messages
        for (golden, value) in zip(try GoldenFile(name).messages, expected) {
            var parts = golden.parts
            parts[1] = Array("{\"new\":{\"a\":[1,{}]},".utf8) + parts[1].dropFirst()
            if parts[1].suffix(2) == Array(",}".utf8) { parts[1] = Array("{\"new\":0}".utf8) }
            let frames = try BusFrames(parts: parts)
            let decoded: GoldenMessages.Message =
                golden.isFromPeer ? .toRouter(try PeerMessage(frames)) : .toPeer(try RouterMessage(frames))
            #expect(decoded == value)
        }
    }
}
