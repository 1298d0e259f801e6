import BusProtocol
import MessageBus
import Synchronization
import Testing

/// How a peer ends: by its owner, by itself, or because the router will not have it.
@Suite(.timeLimit(.minutes(1)))
struct LeavingTests {
    let directory = SocketDirectory()

    @Test func stoppingDeliversWhatWasJustSent() async throws {
        let router = try TestRouter(directory)
        let observed = try ObservedPeer(.local(path: directory.router))
        try await observed.welcomed()
        for number in 1...50 { try observed.peer.send(Samples.publish(["m\(number)"])) }
        observed.peer.stop()
        #expect(router.taken.count == 50)
        #expect(observed.peer.counters.queuedMessages == 0)
        #expect(throws: BusError.self) { try observed.peer.send(Samples.publish(["late"])) }
        router.stop()
    }

    @Test func stoppingWithoutARouterIsShort() throws {
        let observed = try ObservedPeer(.local(path: directory.router))
        try observed.peer.send(Samples.publish(["m1"]))
        observed.peer.stop()
        observed.peer.stop()
        #expect(observed.peer.credit.events == 0)
    }

    @Test func aCallbackMayStopThePeer() async throws {
        let router = try TestRouter(directory)
        let peer = Mutex<BusPeer?>(nil)
        let stopped = EventLog<Bool>()
        let made = BusPeer(address: .local(path: directory.router), hello: Samples.hello()) { event in
            guard case .delivered = event else { return }
            peer.withLock { $0 }?.stop(Bye(code: "done", message: "from the callback"))
            stopped.append(true)
        }
        peer.withLock { $0 = made }
        try made.start()
        _ = try await router.notes.first { if case .hello(let hello, _) = $0 { hello } else { nil } }
        router.deliver(.deliver([]))
        _ = try await stopped.first { $0 }
        let bye = try await router.notes.first { if case .bye(let bye) = $0 { bye } else { nil } }
        #expect(bye.code == "done")
        made.stop()
        router.stop()
    }

    @Test func aPeerThatIsLetGoSaysBye() async throws {
        let router = try TestRouter(directory)
        do {
            let observed = try ObservedPeer(.local(path: directory.router))
            try await observed.welcomed()
        }
        _ = try await router.notes.first { if case .bye(let bye) = $0 { bye } else { nil } }
        router.stop()
    }

    @Test func aFencedPeerStopsForGood() async throws {
        let router = try TestRouter(directory)
        let observed = try ObservedPeer(.local(path: directory.router))
        try await observed.welcomed()
        router.perform { listener, state in
            guard let link = state.current else { return }
            _ = listener.send(.bye(Bye(code: "fenced", message: "another process has this source")), to: link)
        }
        let bye = try await observed.events.first { if case .refused(let bye) = $0 { bye } else { nil } }
        #expect(bye.code == "fenced")
        #expect(router.greetings == 1)
        #expect(throws: BusError.self) { try observed.peer.send(Samples.publish(["m1"])) }
        observed.peer.stop()
        router.stop()
    }

    @Test func aRouterThatShutsDownIsWaitedFor() async throws {
        let first = try TestRouter(directory, epoch: 1)
        let observed = try ObservedPeer(.local(path: directory.router), limits: Samples.hastyLimits)
        try await observed.welcomed()
        first.perform { listener, state in
            guard let link = state.current else { return }
            _ = listener.send(.bye(Bye(code: "shutting-down", message: "the router stops")), to: link)
        }
        first.stop()
        #expect(try await observed.lost() == "bye-shutting-down")
        let second = try TestRouter(directory, epoch: 2)
        try await observed.welcomed(times: 2)
        observed.peer.stop()
        second.stop()
    }
}
