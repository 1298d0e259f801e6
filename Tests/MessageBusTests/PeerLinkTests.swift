import BusProtocol
import ChannelEvents
import JSON
import SwitchboardTesting
import Testing

@testable import MessageBus

/// What the peer decides, on a clock that the test turns.
struct PeerLinkTests {
    var link: PeerLink
    var now: Int64 = 1_000

    init() { link = PeerLink(hello: Samples.hello(), limits: PeerLimits()) }

    // MARK: Driving

    private mutating func events() -> [PeerEvent] {
        link.takeActions().compactMap { if case .emit(let event) = $0 { event } else { nil } }
    }

    private mutating func said() -> [PeerMessage] {
        var messages: [PeerMessage] = []
        while let message = link.takeMessage(now: now) { messages.append(message) }
        return messages
    }

    private mutating func pass(_ milliseconds: Int64) {
        now += milliseconds
        link.tick(now: now)
    }

    private mutating func hear(_ message: RouterMessage) { link.received(.success(message), now: now) }

    private mutating func welcome(epoch: UInt64 = 5, events: Int64 = 100) {
        if link.phase == .idle { link.start(now: now) }
        _ = said()
        hear(
            .welcome(Welcome(epoch: epoch, name: "sample", credit: Credit(events: events, bytes: 1 << 20), router: "t"))
        )
    }

    @discardableResult
    private mutating func publish(_ ids: String...) throws -> UInt64 {
        let message = Samples.publish(ids)
        return try link.enqueue(message, size: try message.checkedSize())
    }

    private func sequences(_ messages: [PeerMessage]) -> [UInt64] {
        messages.compactMap { if case .numbered(let position, _) = $0 { position.sequence } else { nil } }
    }

    // MARK: Greeting

    @Test mutating func saysHelloFirstAndNothingElseBeforeWelcome() throws {
        try publish("m1")
        link.report(Health(state: .up))
        link.start(now: now)
        let first = said()
        guard case .hello(let hello) = first.first else {
            Issue.record("HELLO is first")
            return
        }
        #expect(first.count == 1)
        #expect(hello.next == 1)
        welcome()
        let second = said()
        #expect(second.first == .health(epoch: 5, Health(state: .up)))
        #expect(sequences(second) == [1])
    }

    @Test mutating func helloNamesTheFirstThatIsNotAcknowledgedAndWhatWasWritten() throws {
        welcome()
        try publish("m1")
        try publish("m2")
        _ = said()
        hear(.ack(Acknowledgement(position: Position(epoch: 5, sequence: 1))))
        link.written = [3, 4]
        hear(.reset(Reset(reason: .gap, expected: 2)))
        pass(0)
        guard case .hello(let hello) = said().first else {
            Issue.record("no HELLO")
            return
        }
        #expect(hello.next == 2)
        #expect(hello.written == [3, 4])
        welcome(epoch: 6)
        #expect(said().first == .numbered(Position(epoch: 6, sequence: 2), Samples.publish(["m2"])))
    }

    @Test mutating func aRouterThatDoesNotAnswerIsGreetedAgainMoreAndMoreSeldom() {
        link.start(now: now)
        var pauses: [Int64] = []
        for _ in 0..<8 {
            _ = said()
            pass(BusLimits.silence)
            guard case .waiting(let until) = link.phase else {
                Issue.record("\(link.phase)")
                return
            }
            pauses.append(until - now)
            pass(until - now)
        }
        #expect(pauses == [50, 100, 200, 400, 800, 1600, 2000, 2000])
    }

    @Test mutating func aLinkThatWorkedIsReopenedAtOnce() throws {
        welcome()
        hear(.heartbeat(epoch: 5))
        link.changed(.disconnected, now: now)
        #expect(link.phase == .waiting(until: now))
        pass(0)
        guard case .greeting = link.phase else {
            Issue.record("\(link.phase)")
            return
        }
    }

    @Test mutating func aRouterThatWelcomesAndResetsIsNotAskedWithoutPause() {
        var pauses: [Int64] = []
        link.start(now: now)
        for epoch in 1...4 {
            welcome(epoch: UInt64(epoch))
            hear(.reset(Reset(reason: .stranger)))
            guard case .waiting(let until) = link.phase else { break }
            pauses.append(until - now)
            pass(until - now)
        }
        #expect(pauses == [50, 100, 200, 400])
    }

    @Test(arguments: ["source-taken", "source-key", "source-name", "role", "version", "fenced"])
    mutating func someFarewellsAreFinal(code: String) {
        link.start(now: now)
        _ = said()
        hear(.bye(Bye(code: code, message: "no")))
        #expect(link.isEnded)
        guard case .refused(let bye) = events().last else {
            Issue.record("no refusal")
            return
        }
        #expect(bye.code == code)
        #expect(throws: BusError.self) { try publish("m1") }
    }

    @Test mutating func othersAreNotAndATakenSourceNeedNotBe() {
        link.start(now: now)
        _ = said()
        hear(.bye(Bye(code: "shutting-down", message: "")))
        #expect(link.phase == .waiting(until: now + 50))
        var limits = PeerLimits()
        limits.retriesTakenSource = true
        var patient = PeerLink(hello: Samples.hello(), limits: limits)
        patient.start(now: now)
        _ = patient.takeMessage(now: now)
        patient.received(.success(.bye(Bye(code: "source-taken", message: ""))), now: now)
        #expect(patient.phase == .waiting(until: now + 50))
    }

    // MARK: Staying

    @Test mutating func heartbeatsFillSilenceAndSilenceEndsTheLink() {
        welcome()
        _ = said()
        #expect(link.deadline == now + BusLimits.heartbeat)
        pass(BusLimits.heartbeat)
        #expect(said() == [.heartbeat(epoch: 5)])
        hear(.heartbeat(epoch: 5))
        pass(BusLimits.silence - 1)
        #expect(link.phase == .welcomed(epoch: 5, since: 1_000))
        pass(1)
        guard case .lost("silence") = events().last else {
            Issue.record("not lost")
            return
        }
    }

    @Test mutating func callsAreAskedAgainOnANewLinkAndAnsweredOnce() throws {
        let call = Call(id: "c1", name: "reply", arguments: [:])
        try link.enqueue(call, .call)
        try link.enqueue(call, .call)
        welcome()
        #expect(said() == [.call(epoch: 5, call)])
        hear(.reset(Reset(reason: .epoch)))
        pass(50)
        welcome(epoch: 6)
        #expect(said() == [.call(epoch: 6, call)])
        _ = events()
        hear(.answer(Answer(epoch: 6, id: "c1", outcome: .success(1))))
        hear(.answer(Answer(epoch: 6, id: "c1", outcome: .success(1))))
        #expect(events().count == 1)
        #expect(link.calls.count == 0)
    }

    @Test mutating func acknowledgementsAreCumulativeAndForADuplicateToo() {
        welcome()
        _ = events()
        for sequence in 1...3 as ClosedRange<UInt64> {
            hear(.numbered(Position(epoch: 5, sequence: sequence), .verdict(Verdict(request: "r", allow: true))))
        }
        #expect(said() == [.ack(Position(epoch: 5, sequence: 3))])
        hear(.numbered(Position(epoch: 5, sequence: 2), .verdict(Verdict(request: "r", allow: true))))
        #expect(said() == [.ack(Position(epoch: 5, sequence: 3))])
        #expect(events().count == 3)
        pass(BusLimits.heartbeat)
        #expect(said() == [.heartbeat(epoch: 5), .ack(Position(epoch: 5, sequence: 3))])
    }

    @Test mutating func nonsenseFromTheRouterOpensANewLink() throws {
        let cases: [Result<RouterMessage, ProtocolError>] = [
            .failure(ProtocolError(.malformed, "")),
            .success(.numbered(Position(epoch: 5, sequence: 9), .deliver([]))),
            .success(.numbered(Position(epoch: 4, sequence: 1), .deliver([]))),
            .success(.ack(Acknowledgement(position: Position(epoch: 5, sequence: 99)))),
            .success(.ack(Acknowledgement(position: Position(epoch: 4, sequence: 0)))),
            .success(.heartbeat(epoch: 6)),
            .success(.welcome(Welcome(epoch: 9, name: "", credit: Credit(events: 1, bytes: 1), router: ""))),
        ]
        for nonsense in cases {
            link = PeerLink(hello: Samples.hello(), limits: PeerLimits())
            welcome()
            link.received(nonsense, now: now)
            #expect(link.phase == .waiting(until: now + 50))
        }
    }

    @Test mutating func aMessageLostAtTheEndIsSentAgain() throws {
        welcome()
        try publish("m1")
        _ = said()
        for _ in 0..<16 {
            hear(.heartbeat(epoch: 5))
            pass(BusLimits.heartbeat)
        }
        guard case .lost("no-ack") = events().last else {
            Issue.record("not lost")
            return
        }
        // A router that has stopped its intake is not left.
        link = PeerLink(hello: Samples.hello(), limits: PeerLimits())
        welcome()
        try publish("m1")
        _ = said()
        hear(.ack(Acknowledgement(position: Position(epoch: 5, sequence: 0), credit: Credit(events: 0, bytes: 0))))
        for _ in 0..<100 {
            hear(.heartbeat(epoch: 5))
            pass(BusLimits.heartbeat)
        }
        #expect(link.counters.lost == 0)
    }

    // MARK: Credit

    @Test mutating func aResendKeepsToTheCredit() throws {
        welcome(events: 100)
        for index in 0..<10 { try publish("a\(index)", "b\(index)") }
        #expect(sequences(said()) == Array(1...10))
        #expect(link.creditLeft.events == 80)
        hear(.reset(Reset(reason: .epoch)))
        pass(50)
        #expect(link.creditLeft.events == 0)
        welcome(epoch: 6, events: 5)
        #expect(sequences(said()) == [1, 2])
        hear(.ack(Acknowledgement(position: Position(epoch: 6, sequence: 1))))
        #expect(sequences(said()) == [3])
        let more = Credit(events: 100, bytes: 1 << 20)
        hear(.ack(Acknowledgement(position: Position(epoch: 6, sequence: 2), credit: more)))
        #expect(sequences(said()) == [4, 5, 6, 7, 8, 9, 10])
    }

    @Test mutating func aBatchOverTheWholeCreditGoesAloneAndZeroPauses() throws {
        welcome(events: 0)
        try publish("a", "b", "c")
        #expect(sequences(said()) == [])
        hear(.ack(Acknowledgement(position: Position(epoch: 5, sequence: 0), credit: Credit(events: 2, bytes: 10))))
        #expect(sequences(said()) == [1])
    }

    @Test mutating func resultsNeedNoCredit() throws {
        welcome(events: 0)
        let result = Samples.result("k")
        _ = try link.enqueue(result, size: try result.checkedSize())
        #expect(sequences(said()) == [1])
    }

    @Test mutating func fullQueuesRefuse() throws {
        var limits = PeerLimits()
        limits.queuedMessages = 2
        limits.openCalls = 1
        link = PeerLink(hello: Samples.hello(), limits: limits)
        try publish("a")
        try publish("b")
        #expect(throws: BusError.self) { try publish("c") }
        try link.enqueue(Call(id: "1", name: "n", arguments: nil), .query)
        #expect(throws: BusError.self) { try link.enqueue(Call(id: "2", name: "n", arguments: nil), .query) }
        #expect(link.counters.queueFull == 2)
        link = PeerLink(hello: Samples.hello(), limits: limits)
        limits.queuedBytes = 100
        link = PeerLink(hello: Samples.hello(), limits: limits)
        #expect(throws: BusError.self) { try publish("a") }
    }

    @Test func whatTheRouterCouldNeverTakeIsRefusedAtOnce() throws {
        func check(_ events: [PublishedEvent]) throws {
            _ = try PeerMessage.Numbered.publish(Publish(events: events)).checkedSize()
        }
        let head = EventHead(id: "a", chat: "b", sender: "c", time: 1)
        #expect(throws: BusError.self) {
            try check([PublishedEvent](repeating: PublishedEvent(head: head, body: []), count: BusLimits.batch + 1))
        }
        let large = PublishedEvent(head: head, body: [UInt8](repeating: 0, count: BusLimits.payloadBytes))
        try check([large])
        #expect(throws: BusError.self) { try check([large, large]) }
        #expect(throws: BusError.self) { try check([PublishedEvent(head: head, body: large.body + [0])]) }
        var wide = head
        wide.id = String(repeating: "\u{1}", count: 8_000)
        #expect(throws: BusError.self) {
            try check([PublishedEvent](repeating: PublishedEvent(head: wide, body: []), count: 30))
        }
    }

    // MARK: Leaving

    @Test mutating func stoppingWaitsForAcknowledgementsThenSaysBye() throws {
        welcome()
        try publish("m1")
        link.stop(Bye(code: "shutting-down", message: ""), now: now)
        #expect(throws: BusError.self) { try publish("m2") }
        #expect(sequences(said()) == [1])
        hear(.ack(Acknowledgement(position: Position(epoch: 5, sequence: 1))))
        #expect(said() == [.bye(Bye(code: "shutting-down", message: ""))])
        link.leaveIfDone(now: now)
        #expect(link.isEnded)
    }

    @Test mutating func stoppingDoesNotWaitForever() throws {
        welcome()
        try publish("m1")
        link.stop(Bye(code: "shutting-down", message: ""), now: now)
        _ = said()
        #expect(link.deadline == now + 500)
        pass(500)
        #expect(said() == [.bye(Bye(code: "shutting-down", message: ""))])
        link.leaveIfDone(now: now)
        #expect(link.isEnded)
        link = PeerLink(hello: Samples.hello(), limits: PeerLimits())
        link.stop(Bye(code: "x", message: ""), now: now)
        #expect(link.isEnded)
    }

    /// A lossy router on a manual clock: every message is admitted, in order, whatever is lost.
    @Test(arguments: 0..<100 as Range<UInt64>)
    mutating func nothingIsLostWhateverTheLinkLoses(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let id = LinkID(bytes: [1])
        var table = LinkTable()
        var epoch: UInt64 = 0
        var admitted: [UInt64] = []
        var given: UInt64 = 0
        var socket = 0
        link.start(now: now)
        for _ in 0..<20_000 {
            if given < 60, Int.random(in: 0..<4, using: &generator) == 0 { given = try publish("m\(given)") }
            now += Int64.random(in: 0..<400, using: &generator)
            link.tick(now: now)
            _ = link.takeActions()
            if socket != link.socketNumber {
                socket = link.socketNumber
                table.close(id)
            }
            guard let message = link.takeMessage(now: now) else { continue }
            guard Int.random(in: 0..<10, using: &generator) > 0 else { continue }
            var answer: RouterMessage?
            switch message {
            case .hello(let hello):
                epoch += 1
                table.open(id, epoch: epoch, next: hello.next, now: now)
                answer = .welcome(Welcome(epoch: epoch, name: "", credit: Credit(events: 7, bytes: 10_000), router: ""))
            case .numbered(let position, _):
                switch table.accept(position, from: id, now: now) {
                case .take:
                    if position.sequence == UInt64(admitted.count) + 1 { admitted.append(position.sequence) }
                    #expect(position.sequence <= UInt64(admitted.count))
                    answer = table.accepted(from: id).map { .ack(Acknowledgement(position: $0)) }
                case .duplicate: answer = table.accepted(from: id).map { .ack(Acknowledgement(position: $0)) }
                case .reset(let reset): answer = .reset(reset)
                }
            case .heartbeat(let epoch):
                if let reset = table.hear(epoch, from: id, now: now) {
                    answer = .reset(reset)
                } else {
                    answer = table.accepted(from: id).map { .ack(Acknowledgement(position: $0)) }
                }
            default: break
            }
            guard let answer, Int.random(in: 0..<10, using: &generator) > 0 else { continue }
            link.received(.success(answer), now: now)
        }
        #expect(admitted == Array(1...60))
        #expect(link.unacknowledged.count == 0)
    }
}
