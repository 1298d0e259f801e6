import Foundation
import Synchronization
import Testing

@testable import ZeroMQ

@Suite struct WakeSignalTests {
    @Test func raiseEndsAWaitAndClearTakesItBack() throws {
        let signal = try WakeSignal()
        #expect(try !Self.isReadable(signal))
        for _ in 0..<3 { signal.raise() }
        #expect(try Self.isReadable(signal))
        signal.clear()
        #expect(try !Self.isReadable(signal))
    }

    private final class Rounds: Sendable {
        let begun = Atomic(0)
        let ended = Atomic(0)
    }

    /// A raise whose byte comes after a clear looked for it: the next clear must find it, or every wait from then on
    /// would end at once and its thread would spin.
    @Test func raiseDuringAClearLeavesNothingBehind() throws {
        let signal = try WakeSignal()
        let rounds = Rounds()
        // One round in ten went wrong when clear looked at a flag first. More rounds take long on a busy machine: each one
        // is two turns of the scheduler.
        let count = 500
        Thread.detachNewThread {
            for number in 1...count {
                while rounds.begun.load(ordering: .acquiring) < number { sched_yield() }
                signal.raise()
                rounds.ended.store(number, ordering: .releasing)
            }
        }
        var left = 0
        for number in 1...count {
            rounds.begun.store(number, ordering: .releasing)
            signal.clear()
            while rounds.ended.load(ordering: .acquiring) < number {
                signal.clear()
                sched_yield()
            }
            signal.clear()
            if try Self.isReadable(signal) {
                left += 1
                signal.raise()
                signal.clear()
            }
        }
        #expect(left == 0, "readable after \(left) rounds, with nothing raised")
    }

    private static func isReadable(_ signal: WakeSignal) throws -> Bool {
        var poller = Poller()
        let index = poller.add(signal)
        try poller.wait(milliseconds: 0)
        return poller.isReadable(index)
    }
}
