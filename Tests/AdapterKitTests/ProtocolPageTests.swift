import AdapterKit
import Testing

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The frames that `adapters/PROTOCOL.md` shows are the frames that the code speaks.
@Suite struct ProtocolPageTests {
    private struct Example: CustomStringConvertible {
        var isRouters: Bool
        var parts: [[UInt8]]
        var description: String { String(decoding: parts.first ?? [], as: UTF8.self) }
    }

    private static func page() throws -> String {
        var folder = #filePath[...]
        for _ in 0..<3 { folder = folder[..<(folder.lastIndex(of: "/") ?? folder.startIndex)] }
        let file = try #require(fopen("\(folder)/adapters/PROTOCOL.md", "r"))
        defer { fclose(file) }
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        return String(decoding: buffer[..<fread(&buffer, 1, buffer.count, file)], as: UTF8.self)
    }

    private static func examples() throws -> [Example] {
        var examples: [Example] = []
        var block: [Substring]?
        for line in try page().split(separator: "\n", omittingEmptySubsequences: false) {
            switch (line, block) {
            case ("```frames", _): block = []
            case ("```", .some(let lines)):
                let isRouters = try #require(lines.first) == "router > peer"
                examples.append(Example(isRouters: isRouters, parts: lines.dropFirst().map { Array($0.utf8) }))
                block = nil
            case (_, .some(let lines)): block = lines + [line]
            default: break
            }
        }
        return examples
    }

    @Test func everyExampleIsRead() throws {
        var seen: Set<String> = []
        for example in try Self.examples() {
            let frames = try BusFrames(parts: example.parts)
            seen.insert(example.description)
            // Written again it says the same: no member of an example is one that the code ignores.
            let again = example.isRouters ? try RouterMessage(frames).frames : try PeerMessage(frames).frames
            #expect(again.command == frames.command)
            #expect(try JSONValue(parsing: again.header) == JSONValue(parsing: frames.header), "\(example)")
            // The payload of CHUNK is bytes and nothing else.
            guard frames.command != .chunk else {
                #expect(again.payloads == frames.payloads)
                continue
            }
            #expect(
                try again.payloads.map { try JSONValue(parsing: $0) }
                    == frames.payloads.map { try JSONValue(parsing: $0) })
        }
        let commands = [
            "HELLO", "WELCOME", "PUBLISH", "ACK", "RESET", "COMMAND", "RESULT", "HEALTH", "HEARTBEAT", "ERROR", "BYE",
            "FETCH", "CHUNK",
        ]
        #expect(seen == Set(commands))
    }

    @Test func theLimitsAreThoseOfTheCode() throws {
        let page = try Self.page()
        #expect(page.contains("| events in one PUBLISH | \(BusLimits.batch) |"))
        #expect(page.contains("| header | \(BusLimits.headerBytes >> 20) MiB |"))
        #expect(page.contains("| one payload | \(BusLimits.payloadBytes >> 20) MiB |"))
        #expect(page.contains("| one message | \(BusLimits.messageBytes >> 20) MiB, \(BusLimits.parts) frames"))
        #expect(page.contains("larger frame than \(BusLimits.hardFrameBytes >> 20) MiB"))
        #expect(page.contains("| silence | \(BusLimits.silence / 1000) s"))
        #expect(page.contains("| heartbeat | \(BusLimits.heartbeat / 1000) s"))
        #expect(page.contains("| \(EventHead.fieldLimit) bytes each"))
    }
}
