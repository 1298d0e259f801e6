import ModelContextProtocol
import Synchronization
import Testing

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Both halves of stdio over real pipes. Blocking calls stand on threads of the transport, or read what is sure to come.
@Suite("Stdio", .serialized, .timeLimit(.minutes(1)))
struct StdioTests {
    private final class Pipe {
        let readEnd: Int32
        let writeEnd: Int32
        init() throws {
            var ends: [Int32] = [-1, -1]
            try #require(pipe(&ends) == 0)
            (readEnd, writeEnd) = (ends[0], ends[1])
        }

        func put(_ text: String) { _ = text.withCString { write(writeEnd, $0, strlen($0)) } }

        func takeAll() -> [UInt8] {
            var all: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 1 << 16)
            while true {
                let count = read(readEnd, &buffer, buffer.count)
                if count <= 0 { return all }
                all += buffer[..<count]
            }
        }
    }

    private final class Collector: LineReceiver {
        let pieces = Mutex<[LineSplitter.Piece]>([])
        let wants = Atomic<Bool>(true)
        let finished = Atomic<Bool>(false)
        let onTick: @Sendable () -> Void
        init(onTick: @escaping @Sendable () -> Void = {}) { self.onTick = onTick }

        func receive(_ piece: LineSplitter.Piece) { pieces.withLock { $0.append(piece) } }
        func tick() -> Int64? {
            onTick()
            return nil
        }
        var wantsInput: Bool { wants.load(ordering: .relaxed) }
        var isFinished: Bool { finished.load(ordering: .relaxed) }
    }

    @Test("The input's end, in the middle of a line, ends the loop; the part is dropped")
    func endInLine() throws {
        let input = try Pipe()
        input.put("one\ntwo\nthr")
        close(input.writeEnd)
        let collector = Collector()
        var loop = StdioLoop(input: input.readEnd, wakePipe: try #require(WakePipe()))
        #expect(loop.run(collector) == .endOfInput)
        #expect(collector.pieces.withLock { $0 } == [.line(Array("one".utf8)), .line(Array("two".utf8))])
    }

    @Test("A client that does not read is not listened to, and its end is still seen")
    func backpressure() throws {
        let input = try Pipe()
        input.put("one\n")
        close(input.writeEnd)
        let collector = Collector()
        collector.wants.store(false, ordering: .relaxed)
        var loop = StdioLoop(input: input.readEnd, wakePipe: try #require(WakePipe()))
        #expect(loop.run(collector) == .endOfInput)
        #expect(collector.pieces.withLock { $0 }.isEmpty)
    }

    @Test("A wake from elsewhere lets the loop see that it is over")
    func wake() throws {
        let input = try Pipe()
        let wakePipe = try #require(WakePipe())
        let collector = Collector()
        wakePipe.wake()
        collector.finished.store(true, ordering: .relaxed)
        var loop = StdioLoop(input: input.readEnd, wakePipe: wakePipe)
        #expect(loop.run(collector) == .finished)
        close(input.writeEnd)
    }

    @Test("A closed input is an error, not a busy wait")
    func noInput() throws {
        var loop = StdioLoop(input: 987, wakePipe: try #require(WakePipe()))
        #expect(loop.run(Collector()) == .failed(EBADF))
    }

    @Test("Lines from many threads through a full pipe stay whole, and the numbers report them in order")
    func fullPipe() throws {
        let output = try Pipe()
        let writer = LineWriter(descriptor: output.writeEnd)
        let reported = Mutex<[UInt64]>([])
        try writer.start(onWritten: { number in reported.withLock { $0.append(number) } }, onClosed: { _ in })
        let counter = Mutex<UInt64>(0)
        // 4 threads, lines of 1 byte to 300 KB: many times what a pipe holds.
        let group = ThreadGroup(count: 4) { thread in
            for index in 0..<60 {
                let letter = UInt8(ascii: "a") + UInt8(thread)
                let line = [UInt8](repeating: letter, count: index % 10 == 0 ? 300_000 : index) + [0x0A]
                counter.withLock { number in
                    number += 1
                    writer.write(line, number: number)
                }
            }
        }
        try group.start()
        var seen = 0
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        var rest: [UInt8] = []
        while seen < 240 {
            let count = read(output.readEnd, &buffer, buffer.count)
            try #require(count > 0)
            rest += buffer[..<count]
            while let end = rest.firstIndex(of: 0x0A) {
                let line = rest[..<end]
                #expect(Set(line).count <= 1)
                rest.removeSubrange(...end)
                seen += 1
            }
        }
        group.wait()
        #expect(writer.finish(withinMilliseconds: 5000))
        let numbers = reported.withLock { $0 }
        #expect(numbers.last == 240)
        #expect(numbers == numbers.sorted())
        close(output.writeEnd)
        close(output.readEnd)
    }

    @Test("What was queued is written before the end")
    func finish() throws {
        let output = try Pipe()
        let writer = LineWriter(descriptor: output.writeEnd)
        writer.write(Array("early\n".utf8), number: 1)
        try writer.start(onWritten: { _ in }, onClosed: { _ in })
        writer.write(Array("late\n".utf8), number: 2)
        #expect(writer.finish(withinMilliseconds: 5000))
        close(output.writeEnd)
        #expect(output.takeAll() == Array("early\nlate\n".utf8))
        close(output.readEnd)
    }

    @Test("A client that is gone is reported once and what comes after is dropped")
    func closedOutput() async throws {
        signal(SIGPIPE, SIG_IGN)
        let output = try Pipe()
        close(output.readEnd)
        let writer = LineWriter(descriptor: output.writeEnd)
        let code: Int32 = await withCheckedContinuation { continuation in
            do {
                try writer.start(onWritten: { _ in }, onClosed: { continuation.resume(returning: $0) })
                writer.write(Array("x\n".utf8), number: 1)
            } catch {
                continuation.resume(returning: -1)
            }
        }
        #expect(code == EPIPE)
        writer.write(Array("y\n".utf8), number: 2)
        #expect(!writer.finish(withinMilliseconds: 1000))
        close(output.writeEnd)
    }

    @Test("A writer in a pipe that nobody reads ends in time")
    func stuck() throws {
        let output = try Pipe()
        let writer = LineWriter(descriptor: output.writeEnd)
        try writer.start(onWritten: { _ in }, onClosed: { _ in })
        writer.write([UInt8](repeating: 0x78, count: 1 << 20), number: 1)
        #expect(!writer.finish(withinMilliseconds: 50))
        // Let its thread go.
        close(output.readEnd)
    }
}
