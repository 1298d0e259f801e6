import SwitchboardTesting
import Testing

@testable import AdapterKit

@Suite struct PublishQueueTests {
    private let plenty = Credit(events: 1_000_000, bytes: 1 << 40)

    private func ids(_ publish: Publish) -> [String] { publish.events.compactMap { $0.head?.id } }

    @Test func whatWaitsTravelsTogetherInOrder() throws {
        var queue = PublishQueue()
        for number in 0..<5 {
            let ticket = queue.makeTicket()
            #expect(try queue.add([.make("\(number)")], cursor: Array("\(number)".utf8), as: ticket) == nil)
        }
        let batch = try queue.take(plenty)
        #expect(ids(batch.publish) == ["0", "1", "2", "3", "4"])
        #expect(batch.publish.cursor == Array("4".utf8))
        let silent1 = queue.isSilent(plenty)
        #expect(silent1)
        queue.sent(batch, as: 9)
        #expect(queue.acknowledged(8, refused: []).isEmpty)
        let complete = queue.acknowledged(9, refused: [RefusedEvent(sequence: 9, index: 3, code: "malformed")])
        #expect(complete.map(\.0) == [1, 2, 3, 4, 5])
        #expect(complete[3].1.refused == [Publication.Refusal(index: 0, code: "malformed")])
        #expect(complete[4].1.refused.isEmpty)
    }

    @Test func aLargePublishIsCutAndItsCursorGoesLast() throws {
        var queue = PublishQueue()
        let events = (0..<600).map { PublishedEvent.make("\($0)") }
        _ = try queue.add(events, cursor: [0x31], as: queue.makeTicket())
        var seen: [String] = []
        for (sequence, count, hasCursor) in [(1 as UInt64, 256, false), (2, 256, false), (3, 88, true)] {
            let batch = try queue.take(plenty)
            #expect(batch.publish.events.count == count)
            #expect((batch.publish.cursor != nil) == hasCursor)
            seen += ids(batch.publish)
            queue.sent(batch, as: sequence)
        }
        #expect(seen == (0..<600).map(String.init))
        #expect(queue.acknowledged(2, refused: [RefusedEvent(sequence: 2, index: 5, code: "x")]).isEmpty)
        let complete = queue.acknowledged(3, refused: [RefusedEvent(sequence: 3, index: 87, code: "y")])
        #expect(complete.map(\.1.refused) == [[.init(index: 261, code: "x"), .init(index: 599, code: "y")]])
    }

    @Test func creditBoundsEventsAndBytesButLetsOnePass() throws {
        var queue = PublishQueue()
        for number in 0..<4 {
            _ = try queue.add([.make("\(number)", size: 1_000)], cursor: nil, as: queue.makeTicket())
        }
        let silent2 = queue.isSilent(Credit(events: 0, bytes: 1 << 20))
        #expect(silent2)
        let silent3 = queue.isSilent(Credit(events: 9, bytes: 0))
        #expect(silent3)
        #expect(queue.next(Credit(events: 2, bytes: 1 << 20))?.publish.events.count == 2)
        #expect(queue.next(Credit(events: 9, bytes: 1))?.publish.events.count == 1)
        #expect(queue.next(Credit(events: 9, bytes: 1 << 20))?.publish.events.count == 1)
        #expect(queue.waitingCount == 0)
    }

    @Test func anEventTheBusCannotCarryIsNamedAndTheOthersGo() throws {
        var queue = PublishQueue()
        let large = PublishedEvent.make("large", size: BusLimits.payloadBytes + 1)
        #expect(
            try queue.add([large], cursor: nil, as: queue.makeTicket())?.refused == [.init(index: 0, code: "oversize")])
        #expect(try queue.add([large, .make("small")], cursor: nil, as: queue.makeTicket()) == nil)
        let batch = try queue.take(plenty)
        #expect(ids(batch.publish) == ["small"])
        queue.sent(batch, as: 1)
        let complete = queue.acknowledged(1, refused: [RefusedEvent(sequence: 1, index: 0, code: "not-allowed")])
        #expect(
            complete.map(\.1.refused) == [[.init(index: 0, code: "oversize"), .init(index: 1, code: "not-allowed")]])
    }

    @Test func pastItsLimitsItRefuses() throws {
        var queue = PublishQueue(limits: .init(publishes: 2, bytes: 1 << 20))
        _ = try queue.add([.make("1")], cursor: nil, as: queue.makeTicket())
        _ = try queue.add([.make("2")], cursor: nil, as: queue.makeTicket())
        #expect(throws: PublishError(.overloaded)) { try queue.add([.make("3")], cursor: nil, as: queue.makeTicket()) }
        _ = queue.next(plenty)
        _ = try queue.add([.make("4", size: 1 << 20)], cursor: nil, as: queue.makeTicket())
        #expect(throws: PublishError(.overloaded)) { try queue.add([.make("5")], cursor: nil, as: queue.makeTicket()) }
    }

    @Test func aWithdrawnPublishIsNotSentUnlessItWas() throws {
        var queue = PublishQueue()
        let first = queue.makeTicket()
        let second = queue.makeTicket()
        _ = try queue.add([.make("1")], cursor: nil, as: first)
        _ = try queue.add([.make("2")], cursor: nil, as: second)
        let batch = try queue.take(plenty, limit: 1)
        queue.sent(batch, as: 1)
        #expect(queue.withdraw(first) == .underWay)
        #expect(queue.withdraw(second) == .removed)
        let silent4 = queue.isSilent(plenty)
        #expect(silent4)
    }

    /// Whatever is cut, joined, put back or acknowledged late: every event goes once, in order, and every publish ends.
    @Test(arguments: 0..<200) func everyEventGoesOnceInOrder(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var queue = PublishQueue(limits: .init(publishes: 1024, bytes: 1 << 30))
        var wanted: [String] = []
        var sent: [String] = []
        var cursors: [[UInt8]] = []
        var tickets = 0
        var complete: [PublishQueue.Ticket] = []
        var sequence: UInt64 = 0
        var acknowledged: UInt64 = 0
        for _ in 0..<200 {
            switch Int.random(in: 0..<4, using: &random) {
            case 0:
                let events = (0..<Int.random(in: 0...400, using: &random)).map { _ in
                    wanted.append("\(wanted.count)")
                    return PublishedEvent.make(
                        wanted[wanted.count - 1], size: Int.random(in: 0...9_000, using: &random))
                }
                tickets += 1
                let ticket = queue.makeTicket()
                #expect(try queue.add(events, cursor: Array("\(tickets)".utf8), as: ticket) == nil)
            case 1, 2:
                let credit = Credit(
                    events: .random(in: 0...300, using: &random), bytes: .random(in: 0...(1 << 20), using: &random))
                guard let batch = queue.next(credit) else { continue }
                if Bool.random(using: &random) {
                    queue.putBack(batch)
                    continue
                }
                sequence += 1
                #expect(Int64(batch.publish.events.count) <= credit.events)
                sent += ids(batch.publish)
                if let cursor = batch.publish.cursor { cursors.append(cursor) }
                queue.sent(batch, as: sequence)
            default:
                guard acknowledged < sequence else { continue }
                acknowledged = .random(in: acknowledged...sequence, using: &random)
                complete += queue.acknowledged(acknowledged, refused: []).map(\.0)
            }
        }
        while queue.waitingCount > 0 || queue.underWayCount > 0 {
            if let batch = queue.next(plenty) {
                sequence += 1
                sent += ids(batch.publish)
                if let cursor = batch.publish.cursor { cursors.append(cursor) }
                queue.sent(batch, as: sequence)
            }
            complete += queue.acknowledged(sequence, refused: []).map(\.0)
        }
        #expect(sent == wanted)
        #expect(complete == (0..<UInt64(tickets)).map { $0 + 1 })
        let numbers = cursors.compactMap { Int(String(decoding: $0, as: UTF8.self)) }
        #expect(numbers == numbers.sorted())
        #expect(numbers.last ?? 0 == tickets)
    }
}

extension PublishQueue {
    fileprivate mutating func take(_ credit: Credit, limit: Int = BusLimits.batch) throws -> Outgoing {
        guard let outgoing = next(credit, limit: limit) else { throw TestTimeout(what: "a batch") }
        return outgoing
    }

    fileprivate mutating func isSilent(_ credit: Credit) -> Bool { next(credit) == nil }
}

/// SplitMix64: the same numbers for the same seed, on every machine.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 1 }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
