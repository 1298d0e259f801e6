import BusProtocol
import ChannelEvents
import JSON
import MessageBus
import Testing

@Suite(.timeLimit(.minutes(1)))
struct LinkTests {
    let directory = SocketDirectory()

    @Test func messagesArriveInOrderAndAreAcknowledged() async throws {
        let router = try TestRouter(directory)
        let observed = try ObservedPeer(.local(path: directory.router))
        for number in 1...100 { #expect(try observed.peer.send(Samples.publish(["m\(number)"])) == UInt64(number)) }
        try await observed.acknowledged(100)
        #expect(router.taken.flatMap(\.message.ids) == (1...100).map { "m\($0)" })
        #expect(observed.peer.counters.queuedMessages == 0)
        #expect(observed.peer.credit.events == 10_000)
        observed.peer.stop()
        try await router.notes.wait {
            $0.contains { if case .bye(let bye) = $0 { bye.code == "shutting-down" } else { false } }
        }
        router.stop()
    }

    @Test func theRouterMayStartAfterThePeer() async throws {
        let observed = try ObservedPeer(.local(path: directory.router), limits: Samples.hastyLimits)
        try observed.peer.send(Samples.publish(["early"]))
        let router = try TestRouter(directory)
        try await observed.acknowledged(1)
        observed.peer.stop()
        router.stop()
    }

    @Test func deliveriesCommandsAndVerdictsReachThePeerAndAreAcknowledged() async throws {
        let router = try TestRouter(directory)
        let observed = try ObservedPeer(.local(path: directory.router))
        try await observed.welcomed()
        let head = EventHead(id: "m1", chat: "42", sender: "7", time: 1)
        let source = try #require(SourceName("sample"))
        router.deliver(.deliver([Delivery(id: 9, source: source, head: head, body: Array("{\"text\":\"hi\"}".utf8))]))
        router.deliver(.command(PlatformCommand(key: "k1", verb: "send", chat: "42", arguments: ["text": "hello"])))
        router.deliver(.verdict(Verdict(request: "abcde", allow: true)))
        try await router.notes.wait {
            $0.contains { if case .acknowledged(let position) = $0 { position.sequence == 3 } else { false } }
        }
        let names = observed.events.entries.compactMap { event -> String? in
            switch event {
            case .delivered(let deliveries): "delivered \(deliveries[0].id)"
            case .commanded(let command): "commanded \(command.key)"
            case .verdict(let verdict): "verdict \(verdict.request)"
            default: nil
            }
        }
        #expect(names == ["delivered 9", "commanded k1", "verdict abcde"])
        observed.peer.stop()
        router.stop()
    }

    @Test func aCallIsAnswered() async throws {
        let router = try TestRouter(directory)
        let observed = try ObservedPeer(.local(path: directory.router), hello: Samples.hello("api", role: .endpoint))
        try observed.peer.call(Call(id: "c1", name: "reply", arguments: ["text": "hi"]))
        let (call, link) = try await router.notes.first {
            if case .call(let call, let link) = $0 { (call, link) } else { nil }
        }
        #expect(call.arguments["text"] == "hi")
        router.perform { listener, state in
            _ = listener.send(.answer(Answer(epoch: state.epoch, id: call.id, outcome: .success("sent"))), to: link)
        }
        let outcome = try await observed.events.first {
            if case .answered("c1", let outcome) = $0 { outcome } else { nil }
        }
        #expect(outcome == .success("sent"))
        observed.peer.stop()
        router.stop()
    }
}
