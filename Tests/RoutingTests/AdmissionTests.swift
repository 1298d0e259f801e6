import AccessControl
import BusProtocol
import ChannelEvents
import JSON
import MessageBus
import MessageStore
import Testing

@testable import Routing

struct AdmissionTests {
    @Test func anEventIsAcknowledgedAndStoredOnce() throws {
        let router = try RouterFixture()
        try router.attachAdapter()
        let first = try router.turn(router.publish(["1", "2"], cursor: "{\"n\":2}"))
        #expect(first.to(RouterFixture.link("chat")).acknowledgement?.position.sequence == 1)
        try router.turn(router.publish(["2", "3"]))
        #expect(try router.history().map(\.head.id) == ["3", "2", "1"])
    }

    @Test func theCursorComesBackWithWelcome() throws {
        let router = try RouterFixture()
        try router.attachAdapter()
        try router.turn(router.publish(["1"], cursor: "{\"offset\":7}"))
        try router.restart()
        #expect(try router.attachAdapter(next: 2).welcome?.cursor == ["offset": 7])
    }

    @Test func theSameIdFromTwoSourcesIsTwoEvents() throws {
        let router = try RouterFixture()
        try router.attachAdapter("chat")
        try router.attachAdapter("work")
        try router.turn(router.publish(["1"], from: "chat"), router.publish(["1"], from: "work"))
        #expect(try router.history().count == 2)
    }

    @Test func aRefusedSendersTextIsNeverStored() throws {
        let router = try RouterFixture()
        try router.attachAdapter()
        let sent = try router.turn(router.publish(["1"], sender: "mallory", authentication: .none))
        let ack = try #require(sent.to(RouterFixture.link("chat")).acknowledgement)
        #expect(ack.refused == [RefusedEvent(sequence: 1, index: 0, code: "not-allowed")])
        let entry = try #require(try router.history().first)
        #expect(entry.body == nil)
        #expect(entry.rule == "not-listed")
        #expect(entry.deliveries.isEmpty)
    }

    @Test func aListedSenderIsLetIn() throws {
        let source = try #require(SourceName("chat"))
        let router = try RouterFixture(
            settings: RouterSettings(access: AccessPolicy(sources: [source: SourcePolicy(allow: ["42"])])))
        try router.attachAdapter()
        try router.turn(router.publish(["1"], sender: "42", authentication: .platform, flags: .direct))
        #expect(try router.history().first?.rule == "listed")
    }

    @Test func oneMalformedEventDoesNotBlockItsBatch() throws {
        let router = try RouterFixture()
        try router.attachAdapter()
        let link = RouterFixture.link("chat")
        let good = EventHead(id: "good", chat: "ann", sender: "local:0", authentication: .loopback, time: 1)
        var bad = good
        bad.id = ""
        let body = EventBody(text: "x").json
        let publish = Publish(events: [
            PublishedEvent(head: nil, body: body), PublishedEvent(head: bad, body: body),
            PublishedEvent(head: good, body: Array("not json".utf8)), PublishedEvent(head: good, body: body),
        ])
        let sent = try router.turn((link, .numbered(router.position(link), .publish(publish))))
        let refused = try #require(sent.to(link).acknowledgement?.refused)
        #expect(refused.map(\.index) == [0, 1, 2])
        #expect(refused.allSatisfy { $0.code == "malformed" })
        #expect(try router.history().map(\.head.id) == ["good"])
    }

    @Test(arguments: [Int64.min, -1, Int64.max])
    func aTimeThatIsNoneIsRefusedAndNothingFalls(time: Int64) throws {
        let router = try RouterFixture()
        try router.attachAdapter()
        try router.attachReadyEndpoint()
        let link = RouterFixture.link("chat")
        let head = EventHead(id: "1", chat: "ann", sender: "local:0", authentication: .loopback, time: time)
        let publish = Publish(events: [PublishedEvent(head: head, body: EventBody(text: "x").json)])
        let sent = try router.turn((link, .numbered(router.position(link), .publish(publish))))
        #expect(sent.to(link).acknowledgement?.refused == [RefusedEvent(sequence: 1, index: 0, code: "malformed")])
        #expect(sent.deliveries().isEmpty)
    }

    @Test func aGapIsAnsweredWithResetAndAdmitsNothing() throws {
        let router = try RouterFixture()
        try router.attachAdapter()
        _ = router.publish(["lost on the way"])
        let sent = try router.turn(router.publish(["2"])).to(RouterFixture.link("chat"))
        #expect(sent == [.reset(Reset(reason: .gap, expected: 1))])
        #expect(try router.history().isEmpty)
    }

    @Test func aStrangerAdmitsNothing() throws {
        let router = try RouterFixture()
        let sent = try router.turn(router.publish(["1"])).to(RouterFixture.link("chat"))
        #expect(sent == [.reset(Reset(reason: .stranger))])
        #expect(try router.history().isEmpty)
    }

    @Test func aFailedCommitLosesNothingAndTheResendIsAbsorbed() throws {
        let router = try RouterFixture()
        try router.attachAdapter()
        try router.turn(router.publish(["1"]))
        try router.failingTurn([router.publish(["2"])])
        #expect(try router.history().map(\.head.id) == ["1"])
        // The peer finds a stranger, says HELLO with its first unacknowledged sequence, and sends it again.
        try router.attachAdapter(next: 2)
        try router.turn(router.publish(["2"]))
        #expect(try router.history().map(\.head.id) == ["2", "1"])
    }
}

struct LeaseTests {
    @Test func aSecondAdapterIsRefusedWithWhoHoldsTheSource() throws {
        let router = try RouterFixture()
        try router.attachAdapter(pid: 1)
        let bye = try router.attachAdapter(link: RouterFixture.link("second"), instance: "second-instance", pid: 1).bye
        #expect(bye?.code == "source-taken")
        #expect(bye?.message.contains("process 1") == true)
    }

    @Test func anAdapterOnAnotherMachineHoldsItsSourceThoughItsPidIsNobodysHere() throws {
        let router = try RouterFixture()
        let remote = LinkID(bytes: Array("far".utf8), isRemote: true)
        try router.attachAdapter(link: remote, pid: 1 << 40)
        let bye = try router.attachAdapter(link: RouterFixture.link("second"), instance: "second-instance", pid: 1).bye
        #expect(bye?.code == "source-taken")
    }

    @Test func theSameProcessComesBackAtOnce() throws {
        let router = try RouterFixture()
        try router.attachAdapter(pid: 1)
        let again = try router.attachAdapter(link: RouterFixture.link("new"), pid: 1)
        #expect(again.welcome != nil)
        // What the old link still says is a stranger's.
        let sent = try router.turn(
            (RouterFixture.link("chat"), .heartbeat(epoch: router.epoch(RouterFixture.link("chat")))))
        #expect(sent.to(RouterFixture.link("chat")).contains(.reset(Reset(reason: .stranger))))
    }

    @Test func aRestartedRouterKeepsTheHolderForOneLease() throws {
        let router = try RouterFixture()
        try router.attachAdapter(pid: 1)
        try router.restart()
        let other = RouterFixture.link("other")
        #expect(try router.attachAdapter(link: other, instance: "other-instance", pid: 1).bye?.code == "source-taken")
        router.pass(BusLimits.silence)
        #expect(try router.attachAdapter(link: other, instance: "other-instance", pid: 1).welcome != nil)
    }

    @Test func theLeaseEndsWhenTheSupervisorReportsTheChildDead() throws {
        let router = try RouterFixture()
        try router.attachAdapter(pid: 1)
        let cli = RouterFixture.link("cli")
        try router.turn((cli, .hello(Hello(role: .operator, name: "up", program: "t", instance: "operator-1", pid: 2))))
        let call = Call(id: "1", name: "adapter-exited", arguments: ["source": "chat", "pid": 1])
        try router.turn((cli, .query(epoch: router.epoch(cli), call)))
        #expect(try router.attachAdapter(link: RouterFixture.link("b"), instance: "instance-b", pid: 1).welcome != nil)
    }

    @Test func aWrongKeyOrVersionIsRefusedByName() throws {
        let router = try RouterFixture()
        #expect(try router.attachAdapter(key: "wrong").bye?.code == "source-key")
        #expect(try router.attachAdapter("Not A Source").bye?.code == "source-name")
        let hello = Hello(role: .operator, name: "x", program: "t", instance: "instance-x", pid: 1, version: 99)
        #expect(
            try router.turn((RouterFixture.link("x"), .hello(hello))).to(RouterFixture.link("x")).bye?.code == "version"
        )
    }

    @Test func aSilentAdapterIsAway() throws {
        let router = try RouterFixture()
        try router.attachAdapter()
        router.pass(BusLimits.silence)
        try router.turn()
        #expect(router.core.sources.values.first?.link == nil)
    }
}
