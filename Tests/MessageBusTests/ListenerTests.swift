import BusProtocol
import JSON
import Testing

@testable import MessageBus

/// What peers may do wrong: refused by name, counted, other peers unharmed.
@Suite(.timeLimit(.minutes(1)))
struct ListenerTests {
    let directory = SocketDirectory()

    @Test func malformedMessagesAreRefusedByName() async throws {
        let router = try TestRouter(directory)
        let raw = try RawPeer(directory.router)
        let cases: [(parts: [[UInt8]], code: String, command: String)] = [
            ([Array("NONSENSE".utf8), Array("{}".utf8)], "unknown-command", ""),
            ([Array("HEARTBEAT".utf8)], "malformed", ""),
            ([Array("HEARTBEAT".utf8), Array("{\"epoch\":".utf8)], "malformed", "HEARTBEAT"),
            ([Array("WELCOME".utf8), Array("{}".utf8)], "unexpected", "WELCOME"),
            ([Array("RESULT".utf8), Array("[]".utf8)], "malformed", "RESULT"),
            ([Array("PUBLISH".utf8), Array("{\"epoch\":1,\"seq\":1,\"events\":[{}]}".utf8)], "malformed", "PUBLISH"),
            ([[0xFF, 0xFE], [0xFF]], "unknown-command", ""),
            ([[], []], "unknown-command", ""),
        ]
        for item in cases {
            try raw.send(item.parts)
            guard case .error(let refusal) = try raw.receive() else {
                Issue.record("no ERROR for \(item.command)")
                continue
            }
            #expect(refusal.code == item.code)
            #expect(refusal.command == item.command)
        }
        // The link is as good as before.
        try raw.send(PeerMessage.hello(Samples.hello()).frames.parts)
        guard case .welcome = try raw.receive() else {
            Issue.record("no WELCOME")
            return
        }
        router.stop()
    }

    @Test func oversizeIsRefusedAndALargerFrameEndsTheConnection() async throws {
        let router = try TestRouter(directory)
        let raw = try RawPeer(directory.router)
        let filler = [UInt8](repeating: 0x20, count: BusLimits.messageBytes)
        try raw.send([Array("PUBLISH".utf8), Array("{}".utf8), filler])
        guard case .error(let refusal) = try raw.receive() else {
            Issue.record("no ERROR")
            return
        }
        #expect(refusal.code == "oversize")
        let many = [[UInt8]](repeating: [], count: BusLimits.parts * 4)
        try raw.send([Array("PUBLISH".utf8), Array("{}".utf8)] + many)
        guard case .error(let second) = try raw.receive() else {
            Issue.record("no ERROR")
            return
        }
        #expect(second.code == "oversize")

        try raw.send([Array("HELLO".utf8), [UInt8](repeating: 0x20, count: Int(BusLimits.hardFrameBytes) + 1)])
        let other = try ObservedPeer(.local(path: directory.router))
        try other.peer.send(Samples.publish(["m1"]))
        try await other.acknowledged(1)
        #expect(router.notes.entries.count { if case .refused = $0 { true } else { false } } == 2)
        other.peer.stop()
        router.stop()
    }

    @Test func aPeerThatDoesNotReadIsFullAndHarmsNobody() async throws {
        let router = try TestRouter(directory)
        let slow = try RawPeer(directory.router, receiveLimit: 1)
        try slow.send(PeerMessage.hello(Samples.hello("slow")).frames.parts)
        let link = try await router.notes.first {
            if case .hello(let hello, let link) = $0, hello.name == "slow" { link } else { nil }
        }
        let outcomes = EventLog<BusListener.SendOutcome>()
        router.perform { listener, _ in
            let text = JSONValue.string(String(repeating: "x", count: 4096))
            for _ in 0..<100_000 {
                let answer = RouterMessage.answer(Answer(epoch: 1, id: "c", outcome: .success(text)))
                guard listener.send(answer, to: link) == .sent else { return outcomes.append(.full) }
            }
            outcomes.append(.sent)
        }
        #expect(try await outcomes.first { $0 } == .full)
        let other = try ObservedPeer(.local(path: directory.router))
        try other.peer.send(Samples.publish(["m1"]))
        try await other.acknowledged(1)
        other.peer.stop()
        router.stop()
    }

    @Test func aPeerThatIsGoneIsGone() async throws {
        let listener = try BusListener(local: directory.router, tap: directory.tap)
        #expect(listener.send(.heartbeat(epoch: 1), to: LinkID(bytes: [0, 1, 2, 3, 4])) == .gone)
        #expect(listener.send(.heartbeat(epoch: 1), to: LinkID(bytes: [0, 1, 2, 3, 4], isRemote: true)) == .gone)
        #expect(listener.counters.gone == 1)
    }

    @Test func aFloodDelaysOthersByABatchOnly() throws {
        let listener = try BusListener(local: directory.router, tap: directory.tap)
        let flooder = try RawPeer(directory.router)
        for _ in 0..<2_000 { try flooder.send([Array("NOISE".utf8), []]) }
        try listener.wait(milliseconds: 5_000)
        let quiet = try RawPeer(directory.router)
        try quiet.send(PeerMessage.hello(Samples.hello("quiet")).frames.parts)
        var before = 0
        while true {
            try listener.wait(milliseconds: 5_000)
            let batch = try listener.receive(events: 32, bytes: 1 << 20)
            try #require(batch.count <= 32)
            if batch.contains(where: { if case .success(.hello) = $0.message { true } else { false } }) { break }
            before += batch.count
            try #require(before < 2_000, "the quiet peer was not served before the flood was over")
        }
    }

    @Test func aBatchEndsAtItsEventsOrBytes() throws {
        let listener = try BusListener(local: directory.router, tap: directory.tap)
        let raw = try RawPeer(directory.router)
        for sequence in 1...6 {
            let message = Samples.publish((0..<10).map { "m\($0)" }, bytes: 1000)
            try raw.send(message.frames(at: Position(epoch: 1, sequence: UInt64(sequence))).parts)
        }
        var received = 0
        var sizes: [Int] = []
        while received < 6 {
            try listener.wait(milliseconds: 5_000)
            let batch = try listener.receive(events: 20, bytes: 1 << 20)
            received += batch.count
            sizes.append(batch.count)
        }
        #expect(sizes.allSatisfy { $0 <= 2 })
        for sequence in 1...3 {
            try raw.send(
                Samples.publish(["a"], bytes: 3000).frames(at: Position(epoch: 1, sequence: UInt64(sequence))).parts)
        }
        while received < 9 {
            try listener.wait(milliseconds: 5_000)
            let batch = try listener.receive(events: 20, bytes: 1000)
            #expect(batch.count <= 1)
            received += batch.count
        }
    }

    @Test func aWakeFromAnyThreadEndsTheWait() throws {
        let listener = try BusListener(local: directory.router, tap: directory.tap)
        let waker = listener.waker
        let thread = try DedicatedThread(name: "waker") { waker.wake() }
        try listener.wait(milliseconds: -1)
        thread.join()
        #expect(try listener.receive(events: 1, bytes: 1).isEmpty)
    }

    @Test func theTapReachesThoseWhoObserve() throws {
        let listener = try BusListener(local: directory.router, tap: directory.tap)
        #expect(!listener.isTapWatched)
        let observer = try TapObserver(path: directory.tap, topics: ["event"])
        while !listener.isTapWatched { try listener.wait(milliseconds: 5_000) }
        listener.publishTap(topic: "session", line: Array("{}".utf8))
        listener.publishTap(topic: "event", line: Array("{\"id\":\"m1\"}".utf8))
        let line = try observer.next(milliseconds: 5_000)
        #expect(line == TapObserver.Line(topic: "event", json: Array("{\"id\":\"m1\"}".utf8)))
        observer.waker.wake()
        #expect(try observer.next(milliseconds: -1) == nil)
    }
}
