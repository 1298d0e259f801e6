import OperatingHome
import Testing

@testable import switchboard

@Suite struct WaitingQueueTests {
    @Test func pastItsLimitTheNewestIsDroppedAndCounted() {
        let queue = WaitingQueue<Int>(name: "test", limit: 3)
        for number in 0..<5 { queue.put(number) }
        #expect((0..<4).map { _ in queue.take(within: 0) } == [0, 1, 2, nil])
        #expect(queue.dropped == 2)
    }

    @Test func whoWaitsIsWoken() throws {
        let queue = WaitingQueue<Int>(name: "test", limit: 3)
        try SystemThread.start("put") { queue.put(7) }
        #expect(queue.take(within: 10_000) == 7)
    }
}
