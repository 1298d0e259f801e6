import BusProtocol
import ChannelEvents
import JSON
import MessageBus

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// One message from `publish` to the line on the endpoint's standard output, the durable commit included.
extension Bench {
    func latency() throws {
        let samples = isSmoke ? 100 : 3_000
        let floor = try Floor.measure(samples: samples)
        let home = try TemporaryHome(programs: programs)
        defer { home.remove() }
        try home.startRouter()
        let publisher = Publisher()
        let peer = try home.adapter("bench") { publisher.note($0) }
        defer { peer.stop() }
        publisher.awaitWelcome()
        let endpoint = try Endpoint(programs: programs, environment: home.environment)
        defer { endpoint.end() }
        try endpoint.attach()

        _ = try roundTrips(samples / 10, "warm", peer, endpoint, every: nil)
        let alone = try roundTrips(samples, "alone", peer, endpoint, every: nil)
        report(
            "latency p50", "\(alone.percentile(50)) µs, p99 \(alone.percentile(99)) µs",
            "floor \(floor.percentile(50)) µs, ratio \(alone.ratio(50, to: floor)) (bar 1.5)")
        let paced = try roundTrips(samples, "paced", peer, endpoint, every: 1_000_000)
        report(
            "latency at 1,000/s", "p50 \(paced.percentile(50)) µs, p99 \(paced.percentile(99)) µs",
            "p99 \(paced.percentile(99, over: floor.percentile(50))) × the floor's p50 (bar 10)")
    }

    private func roundTrips(_ count: Int, _ prefix: String, _ peer: BusPeer, _ endpoint: Endpoint, every pace: Int64?)
        throws
        -> Samples
    {
        let body = EventBody(text: String(repeating: "x", count: 512)).json
        var samples = Samples()
        var next = Clock.nanoseconds
        for number in 0..<count {
            if let pace {
                next += pace
                let rest = next - Clock.nanoseconds
                if rest > 0 { usleep(UInt32(rest / 1_000)) }
            }
            let head = EventHead(
                id: "\(prefix)-\(number)", chat: "bench", sender: "local:0", authentication: .loopback,
                time: Clock.wallMilliseconds)
            let start = Clock.nanoseconds
            try peer.send(.publish(Publish(events: [PublishedEvent(head: head, body: body)])))
            _ = try endpoint.line()
            samples.add(Clock.nanoseconds - start)
        }
        return samples
    }
}

/// Durations in nanoseconds.
struct Samples {
    private var values: [Int64] = []

    mutating func add(_ value: Int64) { values.append(value) }

    /// In microseconds.
    func percentile(_ percent: Int) -> Int64 {
        guard !values.isEmpty else { return 0 }
        let sorted = values.sorted()
        return sorted[min(sorted.count - 1, sorted.count * percent / 100)] / 1_000
    }

    func ratio(_ percent: Int, to other: Samples) -> Double {
        (Double(percentile(percent)) / Double(max(1, other.percentile(percent)))).rounded(to: 2)
    }

    func percentile(_ percent: Int, over base: Int64) -> Double {
        (Double(percentile(percent)) / Double(max(1, base))).rounded(to: 1)
    }
}
