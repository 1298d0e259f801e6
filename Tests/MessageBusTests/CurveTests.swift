import BusProtocol
import MessageBus
import Testing
import ZeroMQ

@Suite(.timeLimit(.minutes(1)))
struct CurveTests {
    let directory = SocketDirectory()
    let server: Curve.KeyPair
    let client: Curve.KeyPair

    init() throws {
        server = try Curve.makeKeyPair()
        client = try Curve.makeKeyPair()
    }

    private func makeRouter(name: String = "sample") throws -> TestRouter {
        try TestRouter(
            directory,
            remote: BusListener.RemoteListener(
                endpoint: "tcp://127.0.0.1:*", publicKey: server.publicKey, secretKey: server.secretKey,
                authorized: [client.publicKey: .init(role: .adapter, name: name)]))
    }

    private func address(_ router: TestRouter, keys: Curve.KeyPair, serverKey: String? = nil) -> BusAddress {
        .remote(
            endpoint: router.remoteEndpoint ?? "", serverKey: serverKey ?? server.publicKey, publicKey: keys.publicKey,
            secretKey: keys.secretKey)
    }

    @Test func theRightKeyIsLetInAndKnownByName() async throws {
        let router = try makeRouter()
        let observed = try ObservedPeer(address(router, keys: client))
        try observed.peer.send(Samples.publish(["m1"]))
        try await observed.acknowledged(1)
        let link = try await router.notes.first { if case .hello(_, let link) = $0 { link } else { nil } }
        #expect(link.isRemote)
        // Both doors work at the same time.
        let local = try ObservedPeer(.local(path: directory.router))
        try local.peer.send(Samples.publish(["m2"]))
        try await local.acknowledged(1)
        observed.peer.stop()
        local.peer.stop()
        router.stop()
    }

    @Test func aWrongKeyIsRefusedForGood() async throws {
        let router = try makeRouter()
        let observed = try ObservedPeer(address(router, keys: try Curve.makeKeyPair()))
        let bye = try await observed.events.first { if case .refused(let bye) = $0 { bye } else { nil } }
        #expect(bye.code == "source-key")
        #expect(throws: BusError.self) { try observed.peer.send(Samples.publish(["m1"])) }
        #expect(router.greetings == 0)
        observed.peer.stop()
        router.stop()
    }

    @Test func aKeyStandsForOneNameAndRole() async throws {
        let router = try makeRouter(name: "other")
        let observed = try ObservedPeer(address(router, keys: client))
        let bye = try await observed.events.first { if case .refused(let bye) = $0 { bye } else { nil } }
        #expect(bye.code == "source-name")
        let endpoint = try ObservedPeer(address(router, keys: client), hello: Samples.hello("other", role: .endpoint))
        let second = try await endpoint.events.first { if case .refused(let bye) = $0 { bye } else { nil } }
        #expect(second.code == "role")
        observed.peer.stop()
        endpoint.peer.stop()
        router.stop()
    }

    @Test func aPeerThatTakesAnotherForTheRouterNeverSpeaks() async throws {
        let router = try makeRouter()
        let observed = try ObservedPeer(
            address(router, keys: client, serverKey: try Curve.makeKeyPair().publicKey), limits: Samples.hastyLimits)
        _ = try await observed.lost()
        #expect(router.greetings == 0)
        observed.peer.stop()
        router.stop()
    }

    @Test func aPeerWithoutKeysGetsNothing() async throws {
        let router = try makeRouter()
        let context = try Context()
        let bare = try Socket(context, .dealer)
        try bare.connect(try #require(router.remoteEndpoint))
        _ = try bare.send(PeerMessage.hello(Samples.hello("bare")).frames.parts)
        let observed = try ObservedPeer(address(router, keys: client))
        try await observed.welcomed()
        let names = router.notes.entries.compactMap { if case .hello(let hello, _) = $0 { hello.name } else { nil } }
        #expect(names == ["sample"])
        observed.peer.stop()
        router.stop()
    }

    @Test func aWithdrawnKeyIsRefusedOnItsStandingLink() async throws {
        let router = try makeRouter()
        let observed = try ObservedPeer(address(router, keys: client))
        try await observed.welcomed()
        let withdrawn = EventLog<Bool>()
        router.perform { listener, _ in
            listener.authorize([:])
            withdrawn.append(true)
        }
        _ = try await withdrawn.first { $0 }
        try observed.peer.send(Samples.publish(["m1"]))
        let refusal = try await router.notes.first { if case .refused(let error, _, _) = $0 { error } else { nil } }
        #expect(refusal.code == .notAllowed)
        #expect(router.taken.isEmpty)
        observed.peer.stop()
        router.stop()
    }
}
