import BusProtocol
import ChannelEvents
import MessageBus

enum Samples {
    static func hello(_ name: String = "sample", role: Role = .adapter) -> Hello {
        Hello(role: role, name: name, program: "test", instance: "0123456789abcdef", pid: 1)
    }

    static func publish(_ ids: [String], bytes: Int = 16) -> PeerMessage.Numbered {
        let body = Array("{\"text\":\"".utf8) + [UInt8](repeating: UInt8(ascii: "x"), count: bytes) + Array("\"}".utf8)
        return .publish(
            Publish(
                events: ids.map {
                    PublishedEvent(
                        head: EventHead(id: $0, chat: "42", sender: "7", time: 1_700_000_000_000), body: body)
                }, cursor: Array("{\"offset\":1}".utf8)))
    }

    static func result(_ key: String) -> PeerMessage.Numbered {
        .result(CommandResult(key: key, outcome: .sent(ids: ["1"])))
    }

    /// Short times, so that a test of silence is over soon.
    static var hastyLimits: PeerLimits {
        var limits = PeerLimits()
        limits.firstRetry = 5
        limits.longestRetry = 20
        limits.silence = 200
        limits.heartbeat = 40
        limits.acknowledgement = 300
        return limits
    }
}

extension PeerMessage.Numbered {
    /// The ids of the events in it.
    var ids: [String] {
        guard case .publish(let publish) = self else { return [] }
        return publish.events.compactMap(\.head?.id)
    }
}

/// A peer and everything it said.
struct ObservedPeer {
    let peer: BusPeer
    let events: EventLog<PeerEvent>

    init(_ address: BusAddress, hello: Hello = Samples.hello(), limits: PeerLimits = PeerLimits()) throws {
        let events = EventLog<PeerEvent>()
        self.events = events
        peer = BusPeer(address: address, hello: hello, limits: limits) { events.append($0) }
        try peer.start()
    }

    func welcomed(times: Int = 1) async throws {
        try await events.wait { $0.count { if case .welcomed = $0 { true } else { false } } >= times }
    }

    func acknowledged(_ sequence: UInt64) async throws {
        try await events.wait {
            $0.contains { if case .acknowledged(let upTo, _) = $0 { upTo >= sequence } else { false } }
        }
    }

    func lost() async throws -> String {
        try await events.first { if case .lost(let code) = $0 { code } else { nil } }
    }
}
