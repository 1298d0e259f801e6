import BusProtocol
import JSON
import SwitchboardTesting
import Testing

/// Whatever bytes come, decoding gives a value or an error: no crash, no hang, and what it gives can be said again.
struct FuzzTests {
    @Test(.timeLimit(.minutes(2)), arguments: 1...4 as ClosedRange<UInt64>)
    func mutatedGoldenFrames(seed: UInt64) throws {
        var corpus: [[[UInt8]]] = []
        for file in GoldenMessages.files { corpus += try GoldenFile(file.name).messages.map(\.parts) }
        var generator = SeededGenerator(seed: seed)
        var accepted = 0
        for round in 0..<50_000 {
            var parts = corpus[Int.random(in: 0..<corpus.count, using: &generator)]
            for _ in 0..<Int.random(in: 1...4, using: &generator) { Self.mutate(&parts, corpus, &generator) }
            do throws(ProtocolError) {
                let frames = try BusFrames(parts: parts)
                accepted += try Self.checkPeer(frames, round: round) ? 1 : 0
            } catch {
                #expect(!error.message.isEmpty)
            }
            do throws(ProtocolError) {
                let frames = try BusFrames(parts: parts)
                accepted += try Self.checkRouter(frames, round: round) ? 1 : 0
            } catch {
                #expect(!error.message.isEmpty)
            }
        }
        // A mutation that nothing survives would test nothing.
        #expect(accepted > 2_000)
    }

    private static func checkPeer(_ frames: BusFrames, round: Int) throws(ProtocolError) -> Bool {
        let message = try PeerMessage(frames)
        let again = try PeerMessage(try BusFrames(parts: message.frames.parts))
        if again != message { Issue.record("round \(round): \(frames.command) changes when it is said again") }
        return true
    }

    private static func checkRouter(_ frames: BusFrames, round: Int) throws(ProtocolError) -> Bool {
        let message = try RouterMessage(frames)
        let again = try RouterMessage(try BusFrames(parts: message.frames.parts))
        if again != message { Issue.record("round \(round): \(frames.command) changes when it is said again") }
        return true
    }

    private static let tokens: [[UInt8]] = [
        "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u", "\\ud800", "null", "true", "-", "1e999", "0.0", "-0",
        "9223372036854775808", "18446744073709551616", "\"epoch\":", "\"seq\":0", "\u{0}", "\n", "[[[[[[[[",
        "{\"a\":{\"a\":",
    ].map { Array($0.utf8) }

    private static func mutate(_ parts: inout [[UInt8]], _ corpus: [[[UInt8]]], _ generator: inout SeededGenerator) {
        guard !parts.isEmpty else { return parts = corpus[0] }
        let index = Int.random(in: 0..<parts.count, using: &generator)
        let place = Int.random(in: 0...parts[index].count, using: &generator)
        switch Int.random(in: 0..<9, using: &generator) {
        case 0 where place < parts[index].count: parts[index][place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
        case 1 where place < parts[index].count: parts[index][place] = UInt8.random(in: 0...255, using: &generator)
        case 2: parts[index].insert(contentsOf: tokens.randomElement(using: &generator) ?? [], at: place)
        case 3:
            parts[index].removeSubrange(
                place..<min(parts[index].count, place + Int.random(in: 0..<9, using: &generator)))
        case 4: parts[index].removeLast(parts[index].count - place)
        case 5: parts.remove(at: index)
        case 6: parts.insert(parts[index], at: index)
        case 7:
            let other = corpus[Int.random(in: 0..<corpus.count, using: &generator)]
            parts[index] = other[Int.random(in: 0..<other.count, using: &generator)]
        default:
            let digits = parts[index].indices.filter { (0x30...0x39).contains(parts[index][$0]) }
            if let digit = digits.randomElement(using: &generator) {
                parts[index][digit] = UInt8.random(in: 0x30...0x39, using: &generator)
            }
        }
    }

    @Test(arguments: 1...4 as ClosedRange<UInt64>)
    func randomBytes(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<5_000 {
            let count = Int.random(in: 0..<5, using: &generator)
            let parts = (0..<count).map { _ in
                (0..<Int.random(in: 0..<40, using: &generator)).map { _ in UInt8.random(in: 0...255, using: &generator)
                }
            }
            #expect(throws: ProtocolError.self) { _ = try PeerMessage(try BusFrames(parts: parts)) }
        }
    }
}
