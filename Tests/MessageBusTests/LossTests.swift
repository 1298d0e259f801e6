import BusProtocol
import ChannelEvents
import JSON
import MessageBus
import SwitchboardTesting
import Synchronization
import Testing

/// DESIGN section 4, "a link that lost the middle": nothing is lost and nothing is taken twice.
@Suite(.timeLimit(.minutes(1)))
struct LossTests {
    let directory = SocketDirectory()

    private static func command(_ parts: [[UInt8]]) -> String {
        String(decoding: parts.first ?? [], as: UTF8.self)
    }

    @Test func aLostMessageInTheMiddleIsSentAgain() async throws {
        let router = try TestRouter(directory)
        let seen = Mutex(0)
        let proxy = try TestProxy(directory) { direction, parts in
            guard direction == .toRouter, Self.command(parts) == "PUBLISH" else { return false }
            return seen.withLock {
                $0 += 1
                return $0 == 5
            }
        }
        let observed = try ObservedPeer(.local(path: directory.proxy))
        for number in 1...20 { try observed.peer.send(Samples.publish(["m\(number)"])) }
        try await observed.acknowledged(20)
        #expect(router.admitted.flatMap(\.message.ids) == (1...20).map { "m\($0)" })
        #expect(observed.peer.counters.resets >= 1)
        #expect(observed.peer.counters.welcomes >= 2)
        observed.peer.stop()
        proxy.stop()
        router.stop()
    }

    @Test func randomLossBothWaysLosesNothing() async throws {
        let router = try TestRouter(directory)
        let generator = Mutex(SeededGenerator(seed: 4242))
        let proxy = try TestProxy(directory) { _, parts in
            // The greeting is spared only so that the test is short.
            guard !["HELLO", "WELCOME"].contains(Self.command(parts)) else { return false }
            return generator.withLock { Int.random(in: 0..<20, using: &$0) == 0 }
        }
        let observed = try ObservedPeer(.local(path: directory.proxy), limits: Samples.hastyLimits)
        for number in 1...300 {
            let message = number % 3 == 0 ? Samples.result("k\(number)") : Samples.publish(["m\(number)"])
            try observed.peer.send(message)
        }
        try await observed.acknowledged(300)
        #expect(router.admitted.map(\.sequence) == (1...300).map(UInt64.init))
        #expect(router.admitted.flatMap(\.message.ids) == (1...300).filter { $0 % 3 != 0 }.map { "m\($0)" })
        observed.peer.stop()
        proxy.stop()
        router.stop()
    }

    @Test func aHoleInTheRoutersMessagesOpensANewLink() async throws {
        let router = try TestRouter(directory)
        let seen = Mutex(0)
        let proxy = try TestProxy(directory) { direction, parts in
            guard direction == .toPeer, Self.command(parts) == "VERDICT" else { return false }
            return seen.withLock {
                $0 += 1
                return $0 == 2
            }
        }
        let observed = try ObservedPeer(.local(path: directory.proxy))
        try await observed.welcomed()
        for request in ["a", "b", "c"] { router.deliver(.verdict(Verdict(request: request, allow: true))) }
        try await observed.welcomed(times: 2)
        #expect(try await observed.lost() == "gap")
        #expect(observed.peer.counters.gaps == 1)
        let verdicts = observed.events.entries.compactMap {
            if case .verdict(let verdict) = $0 { verdict.request } else { nil }
        }
        #expect(verdicts == ["a"])
        observed.peer.stop()
        proxy.stop()
        router.stop()
    }

    @Test func aRestartedRouterGetsWhatWasNotAcknowledged() async throws {
        let first = try TestRouter(directory, epoch: 1)
        first.perform { $1.acknowledges = false }
        let observed = try ObservedPeer(.local(path: directory.router), limits: Samples.hastyLimits)
        try observed.peer.call(Call(id: "c1", name: "inbox", arguments: [:]))
        observed.peer.report(Health(state: .up))
        try observed.peer.send(Samples.publish(["m1", "m2"]))
        try observed.peer.send(Samples.result("k1"))
        try await first.notes.wait { $0.contains { if case .took(2, _) = $0 { true } else { false } } }
        first.stop()
        try observed.peer.send(Samples.publish(["m3"]))

        let second = try TestRouter(directory, epoch: 2)
        try await observed.acknowledged(3)
        #expect(second.taken.map(\.sequence) == [1, 2, 3])
        #expect(second.taken.flatMap(\.message.ids) == ["m1", "m2", "m3"])
        let call = try await second.notes.first { if case .call(let call, _) = $0 { call } else { nil } }
        #expect(call.id == "c1")
        _ = try await second.notes.first { if case .health(let health) = $0 { health } else { nil } }
        observed.peer.stop()
        second.stop()
    }

    @Test func whatWasAcknowledgedIsNotSentToTheNextRouter() async throws {
        let first = try TestRouter(directory, epoch: 1)
        let observed = try ObservedPeer(.local(path: directory.router), limits: Samples.hastyLimits)
        try observed.peer.send(Samples.publish(["m1"]))
        try await observed.acknowledged(1)
        first.stop()
        let second = try TestRouter(directory, epoch: 2)
        try observed.peer.send(Samples.publish(["m2"]))
        try await observed.acknowledged(2)
        #expect(second.taken.map(\.sequence) == [2])
        observed.peer.stop()
        second.stop()
    }

    @Test func aSilentRouterIsLeftAndFoundAgain() async throws {
        // It takes messages and says nothing, as a stopped process does.
        let router = try TestRouter(directory)
        router.perform { $1.acknowledges = false }
        let observed = try ObservedPeer(.local(path: directory.router), limits: Samples.hastyLimits)
        try observed.peer.send(Samples.publish(["m1"]))
        #expect(try await observed.lost() == "silence")
        router.perform { $1.acknowledges = true }
        try await observed.acknowledged(1)
        observed.peer.stop()
        router.stop()
    }

    @Test func aStrangerIsToldToSayHello() async throws {
        let router = try TestRouter(directory)
        let stranger = try RawPeer(directory.router)
        try stranger.send(PeerMessage.heartbeat(epoch: 77).frames.parts)
        #expect(try stranger.receive() == .reset(Reset(reason: .stranger)))
        router.stop()
    }
}
