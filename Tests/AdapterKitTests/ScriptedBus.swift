import MessageBus
import Synchronization

@testable import AdapterKit

/// A bus that only remembers; the test acknowledges by hand.
final class ScriptedBus: BusPort {
    struct State {
        var sent: [PeerMessage.Numbered] = []
        var health: [Health] = []
        var fetches: [Fetch] = []
        var chunks: [Chunk] = []
        var credit = Credit(events: 1_000, bytes: 8 << 20)
        /// The next sends fail so.
        var failure: BusError.Code?
    }

    private let state = Mutex(State())

    var publishes: [Publish] {
        state.withLock { $0.sent.compactMap { if case .publish(let publish) = $0 { publish } else { nil } } }
    }

    var results: [CommandResult] {
        state.withLock { $0.sent.compactMap { if case .result(let result) = $0 { result } else { nil } } }
    }

    var health: [Health] { state.withLock { $0.health } }
    var credit: Credit { state.withLock { $0.credit } }

    func change(_ body: (inout State) -> Void) { state.withLock { body(&$0) } }

    func send(_ message: PeerMessage.Numbered) throws(BusError) -> UInt64 {
        try state.withLock { state throws(BusError) in
            if let failure = state.failure { throw BusError(failure, "as the test wants") }
            state.sent.append(message)
            if case .publish(let publish) = message { state.credit.events -= Int64(max(publish.events.count, 1)) }
            return UInt64(state.sent.count)
        }
    }

    var fetches: [Fetch] { state.withLock { $0.fetches } }
    var chunks: [Chunk] { state.withLock { $0.chunks } }

    func send(_ fetch: Fetch) -> Bool {
        state.withLock { $0.fetches.append(fetch) }
        return true
    }

    func send(_ chunk: Chunk) -> Bool {
        state.withLock { $0.chunks.append(chunk) }
        return true
    }

    func report(_ health: Health) { state.withLock { $0.health.append(health) } }
}

extension PublishedEvent {
    static func make(_ id: String, size: Int = 10) -> PublishedEvent {
        PublishedEvent(
            head: EventHead(id: id, chat: "c", sender: "s", time: 0), body: [UInt8](repeating: 0x20, count: size))
    }
}
