import BusProtocol
import MessageBus
import SwitchboardTesting
import Testing

/// A file comes whole whatever is lost, repeated or restarted on the way, and never more is under way than the window.
struct FilePullTests {
    /// A giver that may be replaced by one with another content or another version of it.
    private struct Giver {
        var bytes: [UInt8]
        var version: String
        var saysSize: Bool

        func answer(_ fetch: Fetch, shortening: Bool) -> Chunk {
            let isSame = fetch.version == nil || fetch.version == version
            let start = isSame ? min(Int(fetch.offset), bytes.count) : 0
            var end = min(bytes.count, start + fetch.count)
            if shortening, end - start > 2 { end = start + (end - start) / 2 }
            return Chunk(
                id: fetch.id,
                .bytes(
                    Chunk.Piece(
                        offset: Int64(start), size: saysSize ? Int64(bytes.count) : nil, version: version,
                        isLast: end == bytes.count, bytes: Array(bytes[start..<end]))))
        }
    }

    @Test(arguments: 0..<400 as Range<UInt64>)
    func comesWhole(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &generator) < percent }
        func make(_ version: Int) -> Giver {
            let count = Int.random(in: 0...400, using: &generator)
            return Giver(
                bytes: (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }, version: "v\(version)",
                saysSize: chance(80))
        }
        var versions = 1
        var giver = make(1)
        var given = [giver.bytes]
        var pull = FilePull(Fetch(id: "t", file: "f", count: 16, limit: 1_000))
        var got: [UInt8] = []
        var onTheWay: [Chunk] = []
        var rounds = 0
        while !pull.isComplete {
            rounds += 1
            guard rounds < 20_000 else { return #expect(Bool(false), "it never ends") }
            if rounds < 2_000 {
                if chance(2) {
                    onTheWay = []
                    pull.rewind()
                }
                if chance(1) {
                    versions += 1
                    giver = make(versions)
                    given.append(giver.bytes)
                }
            }
            while let fetch = pull.next() {
                #expect(fetch.offset - pull.received < Int64(FilePull.window * 16))
                if rounds < 2_000, chance(5) { continue }
                onTheWay.append(giver.answer(fetch, shortening: chance(10)))
            }
            guard !onTheWay.isEmpty else {
                // What the owner does when nothing comes for a while.
                pull.rewind()
                continue
            }
            let chunk = onTheWay.removeFirst()
            if chance(5) { onTheWay.append(chunk) }
            switch pull.take(chunk) {
            case .ignored: break
            case .failed(let failure): return #expect(Bool(false), "\(failure)")
            case .bytes(let bytes, let isRestart): got = (isRestart ? [] : got) + bytes
            }
            #expect(got.count == Int(pull.received))
        }
        // One version, whole: the one that gave the last piece.
        #expect(given.contains(got))
    }

    @Test func aLongerFileThanAllowedFails() {
        var pull = FilePull(Fetch(id: "t", file: "f", count: 16, limit: 20))
        _ = pull.next()
        let said = Chunk.Piece(offset: 0, size: 21, version: "v", isLast: false, bytes: [1])
        guard case .failed(let failure) = pull.take(Chunk(id: "t", .bytes(said))) else {
            return #expect(Bool(false))
        }
        #expect(failure.code == .oversize)
        // One that does not say how long it is.
        var silent = FilePull(Fetch(id: "t", file: "f", count: 16, limit: 20))
        for offset in [0, 16] as [Int64] {
            _ = silent.next()
            let piece = Chunk.Piece(
                offset: offset, version: "v", isLast: false, bytes: [UInt8](repeating: 0, count: 16))
            let outcome = silent.take(Chunk(id: "t", .bytes(piece)))
            if offset == 16 { #expect(outcome == .failed(FetchFailure(.oversize, "the file has more than 20 bytes"))) }
        }
    }

    @Test func aFileThatIsCutShortFails() {
        var pull = FilePull(Fetch(id: "t", file: "f", limit: 100))
        _ = pull.next()
        let piece = Chunk.Piece(offset: 0, size: 10, version: "v", isLast: true, bytes: [1, 2])
        guard case .failed(let failure) = pull.take(Chunk(id: "t", .bytes(piece))) else {
            return #expect(Bool(false))
        }
        #expect(failure.code == .unavailable)
    }
}
