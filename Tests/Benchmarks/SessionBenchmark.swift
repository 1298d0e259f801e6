import BusProtocol
import ChannelEvents
import Dispatch
import MessageBus
import OperatingHome

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

extension Bench {
    /// Adapter to session, sustained: what leaves the endpoint's standard output per second.
    func sessions() throws {
        let events = isSmoke ? 2_000 : 300_000
        let rate = try throughHome(events: events).rate
        report("adapter to session", "\(Int(rate)) events/s", "bar 50000")
    }

    /// A million deliveries that waited, against the same number of events with nothing waiting.
    func backlog() throws {
        let waiting = isSmoke ? 5_000 : 1_000_000
        let empty = try throughHome(events: isSmoke ? 2_000 : 300_000).rate
        let home = try TemporaryHome(programs: programs)
        defer { home.remove() }
        try home.startRouter()
        let publisher = Publisher()
        let peer = try home.adapter("bench") { publisher.note($0) }
        defer { peer.stop() }
        publisher.awaitWelcome()
        try publisher.publish(waiting, through: peer, prefix: "event")
        let endpoint = try Endpoint(programs: programs, environment: home.environment)
        defer { endpoint.end() }
        let start = Clock.nanoseconds
        try endpoint.attach()
        try endpoint.skip(lines: waiting)
        let rate = Double(waiting) / (Double(Clock.nanoseconds - start) / 1e9)
        report(
            "\(waiting) waiting, drained", "\(Int(rate)) events/s",
            "ratio \((rate / empty).rounded(to: 2)) of the empty store's \(Int(empty))/s (bar 0.9)")
        if let router = home.router, let memory = Memory.proportional(of: router.pid) {
            report("  router then", "\(memory.rounded(to: 1)) MB PSS", "bar 150")
        }
    }

    private func throughHome(events: Int) throws -> (rate: Double, Void) {
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
        let start = Clock.nanoseconds
        let done = DispatchSemaphore(value: 0)
        let thread = try DedicatedThread(name: "publisher") {
            do { try publisher.publish(events, through: peer, prefix: "event") } catch { print("publisher: \(error)") }
            done.signal()
        }
        try endpoint.skip(lines: events)
        let rate = Double(events) / (Double(Clock.nanoseconds - start) / 1e9)
        done.wait()
        thread.join()
        return (rate, ())
    }
}
