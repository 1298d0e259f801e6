import BusProtocol
import ChannelEvents
import Dispatch
import MessageBus
import Synchronization

/// Durable publish: one publisher, 512 bytes of text, 256 events in flight, each admitted with its delivery.
extension Bench {
    func publish() throws {
        let events = isSmoke ? 5_000 : 500_000
        let ours = try durablePublish(events: events)
        report("durable publish", "\(Int(ours)) events/s", "")
        guard let redis = try RedisPeer.start() else {
            return report("  beside it", "redis-server is not installed", "no ratio")
        }
        defer { redis.stop() }
        let theirs = try redis.append(entries: events, text: 512, inFlight: 256)
        report("  Redis XADD, always", "\(Int(theirs)) entries/s", "ratio \((ours / theirs).rounded(to: 2)) (bar 1.0)")
    }

    private func durablePublish(events: Int) throws -> Double {
        let home = try TemporaryHome(programs: programs)
        defer { home.remove() }
        try home.startRouter()
        let publisher = Publisher()
        let peer = try home.adapter("bench") { publisher.note($0) }
        defer { peer.stop() }
        publisher.awaitWelcome()
        // The first tenth warms up the file and the caches.
        try publisher.publish(events / 10, through: peer, prefix: "warm")
        let start = Clock.nanoseconds
        try publisher.publish(events, through: peer, prefix: "event")
        return Double(events) / (Double(Clock.nanoseconds - start) / 1e9)
    }
}

/// Publishes with a window, as AdapterKit does under load.
final class Publisher: Sendable {
    /// Events in one PUBLISH, and the number of them under way at once.
    static let batch = 64
    static let window = 4

    private let slots = DispatchSemaphore(value: 0)
    private let welcomed = DispatchSemaphore(value: 0)
    private let acknowledged = Mutex<UInt64>(0)

    func note(_ event: PeerEvent) {
        switch event {
        case .welcomed: welcomed.signal()
        case .acknowledged(let sequence, _):
            let count = acknowledged.withLock { last in
                defer { last = sequence }
                return sequence - last
            }
            for _ in 0..<count { slots.signal() }
        default: break
        }
    }

    func awaitWelcome() { welcomed.wait() }

    func publish(_ events: Int, through peer: BusPeer, prefix: String, chat: String = "bench") throws {
        let body = EventBody(text: String(repeating: "x", count: 512)).json
        for _ in 0..<Self.window { slots.signal() }
        var number = 0
        while number < events {
            let count = min(Self.batch, events - number)
            let batch = (number..<number + count).map { index in
                PublishedEvent(
                    head: EventHead(
                        id: "\(prefix)-\(index)", chat: chat, sender: "local:0", authentication: .loopback,
                        time: Clock.wallMilliseconds), body: body)
            }
            slots.wait()
            try peer.send(.publish(Publish(events: batch)))
            number += count
        }
        for _ in 0..<Self.window { slots.wait() }
    }
}

extension Double {
    func rounded(to places: Int) -> Double {
        var factor = 1.0
        for _ in 0..<places { factor *= 10 }
        return (self * factor).rounded() / factor
    }
}
