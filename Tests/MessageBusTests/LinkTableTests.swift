import BusProtocol
import MessageBus
import SwitchboardTesting
import Testing

struct LinkTableTests {
    let link = LinkID(bytes: [0, 1, 2, 3, 4])

    private func table(epoch: UInt64 = 7, next: UInt64 = 1) -> LinkTable {
        var table = LinkTable()
        table.open(link, epoch: epoch, next: next, now: 0)
        return table
    }

    @Test func takesTheNextAndOnlyTheNext() {
        var table = table(next: 5)
        #expect(table.accept(Position(epoch: 7, sequence: 5), from: link, now: 0) == .take)
        #expect(table.accept(Position(epoch: 7, sequence: 5), from: link, now: 0) == .duplicate)
        #expect(table.accept(Position(epoch: 7, sequence: 1), from: link, now: 0) == .duplicate)
        #expect(
            table.accept(Position(epoch: 7, sequence: 7), from: link, now: 0)
                == .reset(Reset(reason: .gap, expected: 6)))
        #expect(table.accept(Position(epoch: 7, sequence: 6), from: link, now: 0) == .take)
        #expect(table.accepted(from: link) == Position(epoch: 7, sequence: 6))
    }

    @Test func aStrangerAndAnOldEpochAreReset() {
        var table = table()
        let stranger = LinkID(bytes: [9])
        #expect(
            table.accept(Position(epoch: 7, sequence: 1), from: stranger, now: 0) == .reset(Reset(reason: .stranger)))
        #expect(
            table.accept(Position(epoch: 6, sequence: 1), from: link, now: 0)
                == .reset(Reset(reason: .epoch, expected: 1)))
        #expect(table.hear(7, from: link, now: 0) == nil)
        #expect(table.hear(8, from: link, now: 0)?.reason == .epoch)
        table.close(link)
        #expect(table.hear(7, from: link, now: 0)?.reason == .stranger)
        #expect(table.accepted(from: link) == nil)
    }

    @Test func numbersOurMessagesAndCountsWhatIsNotAcknowledged() {
        var table = table()
        #expect(table.nextPosition(to: link) == Position(epoch: 7, sequence: 1))
        #expect(table.nextPosition(to: link) == Position(epoch: 7, sequence: 2))
        #expect(table.unacknowledged(by: link) == 2)
        table.acknowledged(Position(epoch: 7, sequence: 3), by: link)
        table.acknowledged(Position(epoch: 6, sequence: 2), by: link)
        #expect(table.unacknowledged(by: link) == 2)
        table.acknowledged(Position(epoch: 7, sequence: 2), by: link)
        table.acknowledged(Position(epoch: 7, sequence: 1), by: link)
        #expect(table.unacknowledged(by: link) == 0)
        #expect(table.nextPosition(to: LinkID(bytes: [])) == nil)
    }

    @Test func knowsWhoIsSilentAndWhoNeedsAHeartbeat() {
        var table = table()
        #expect(table.heartbeatsDue(now: BusLimits.heartbeat - 1).isEmpty)
        let due = table.heartbeatsDue(now: BusLimits.heartbeat)
        #expect(due.map(\.0) == [link])
        #expect(due.map(\.epoch) == [7])
        #expect(table.heartbeatsDue(now: BusLimits.heartbeat + 1).isEmpty)
        table.sent(to: link, now: 3_000)
        #expect(table.heartbeatsDue(now: 3_000 + BusLimits.heartbeat - 1).isEmpty)
        #expect(table.silent(now: BusLimits.silence - 1).isEmpty)
        #expect(table.silent(now: BusLimits.silence) == [link])
        _ = table.hear(7, from: link, now: 5_000)
        #expect(table.silent(now: BusLimits.silence).isEmpty)
        // A frame of another epoch is no sign of life of this link.
        _ = table.hear(8, from: link, now: 9_000)
        #expect(table.silent(now: 15_000) == [link])
    }

    /// Frames are lost, doubled and disordered; whatever is resent after a RESET, every number is taken once, in order.
    @Test(arguments: 0..<200 as Range<UInt64>)
    func everyNumberIsTakenOnceInOrder(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var table = table()
        var epoch: UInt64 = 7
        var taken: [UInt64] = []
        var channel: [Position] = []
        var next: UInt64 = 1
        let last: UInt64 = 100
        var steps = 0
        while taken.count < last {
            steps += 1
            #expect(steps < 100_000)
            if next <= last, Bool.random(using: &generator) {
                let position = Position(epoch: epoch, sequence: next)
                next += 1
                for _ in 0..<[0, 1, 1, 1, 1, 2].randomElement(using: &generator)! { channel.append(position) }
            } else if !channel.isEmpty {
                let nearby = Int.random(in: 0..<min(3, channel.count), using: &generator)
                switch table.accept(channel.remove(at: nearby), from: link, now: 0) {
                case .take: taken.append(table.accepted(from: link)!.sequence)
                case .duplicate: break
                case .reset:
                    // A new link: HELLO names the first that was not acknowledged; old frames may still arrive.
                    epoch += 1
                    next = UInt64(taken.count) + 1
                    table.open(link, epoch: epoch, next: next, now: 0)
                    if Bool.random(using: &generator) { channel.removeAll() }
                }
            } else if next > last {
                epoch += 1
                next = UInt64(taken.count) + 1
                table.open(link, epoch: epoch, next: next, now: 0)
            }
        }
        #expect(taken == Array(1...last))
    }
}
