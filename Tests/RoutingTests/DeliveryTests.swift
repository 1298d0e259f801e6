import BusProtocol
import ChannelEvents
import JSON
import MessageBus
import MessageStore
import Testing

@testable import Routing

struct DeliveryTests {
    @Test func aReadySessionGetsAnEventInTheSameTurn() throws {
        let router = try RouterFixture()
        try router.attachAdapter()
        try router.attachReadyEndpoint()
        let deliveries = try router.turn(router.publish(["1"])).deliveries()
        #expect(deliveries.map(\.head.id) == ["1"])
        #expect(deliveries.first?.redelivery == 0)
        #expect(try router.states(of: "1") == ["api": .offered])
        let receipt = try router.turn(router.written(deliveries.map(\.id)))
        // A receipt waits a moment for another commit, and is acknowledged only when it is committed.
        #expect(receipt.to(RouterFixture.link("api")).acknowledgement == nil)
        #expect(try router.states(of: "1") == ["api": .offered])
        router.pass(DeferredChanges.patience)
        #expect(try router.turn().to(RouterFixture.link("api")).acknowledgement?.position.sequence == 1)
        #expect(try router.states(of: "1") == ["api": .written])
    }

    @Test func whatWaitedArrivesInOrder() throws {
        let router = try RouterFixture()
        try router.attachAdapter()
        for number in 0..<5 { try router.turn(router.publish(["\(number)"])) }
        try router.attachReadyEndpoint()
        let deliveries = try router.turn().deliveries() + router.turn(router.publish(["5"])).deliveries()
        #expect(Set(deliveries.map(\.head.id)).isSubset(of: ["5"]))
        let history = try router.history().reversed().map(\.deliveries.first?.session)
        #expect(history == Array(repeating: "api", count: 6))
    }

    @Test func aHandshakeThatVanishesTakesNothing() throws {
        let router = try RouterFixture()
        try router.attachAdapter()
        try router.turn(router.publish(["1"]))
        #expect(try router.attachEndpoint().deliveries.isEmpty)
        router.pass(2_900)
        #expect(try router.turn().deliveries().isEmpty)
        try router.turn((RouterFixture.link("api"), .bye(Bye(code: "shutting-down", message: ""))))
        router.pass(10_000)
        #expect(try router.turn().deliveries().isEmpty)
        #expect(try router.states(of: "1") == ["": .waiting])
    }

    @Test func theFirstPushGoesAloneAndTheRestFiveSecondsAfterItIsWritten() throws {
        let router = try RouterFixture()
        try router.attachAdapter()
        try router.turn(router.publish(["1", "2", "3"]))
        try router.attachEndpoint()
        router.pass(3_000)
        let first = try router.turn().deliveries()
        #expect(first.map(\.head.id) == ["1"])
        router.pass(4_000)
        #expect(try router.turn().deliveries().isEmpty)
        try router.turn(router.written(first.map(\.id)))
        router.pass(4_900)
        #expect(try router.turn().deliveries().isEmpty)
        router.pass(100)
        #expect(try router.turn().deliveries().map(\.head.id) == ["2", "3"])
    }

    @Test func anUnprovedSessionIsNobodysDefaultWhileAProvedOneExists() throws {
        let router = try RouterFixture()
        try router.attachAdapter()
        try router.attachReadyEndpoint("api")
        try router.attachEndpoint("list", project: "/src/list")
        router.pass(5_000)
        let sent = try router.turn(router.publish(["1"]))
        #expect(sent.deliveries(to: "api").map(\.head.id) == ["1"])
        #expect(sent.deliveries(to: "list").isEmpty)
    }

    @Test func aConversationStaysWithItsSession() throws {
        let router = try RouterFixture()
        try router.attachAdapter()
        try router.attachReadyEndpoint("api")
        try router.turn(router.publish(["1"], chat: "ann"))
        try router.turn((RouterFixture.link("api"), .bye(Bye(code: "x", message: ""))))
        try router.attachReadyEndpoint("web")
        let sent = try router.turn(router.publish(["2"], chat: "ann"), router.publish(["3"], chat: "bob"))
        // A chosen but absent session keeps its messages; what was nobody's goes to the one that is there.
        #expect(sent.deliveries(to: "web").map(\.head.id) == ["3"])
        #expect(try router.states(of: "2") == ["api": .waiting])
        try router.attachReadyEndpoint("api")
        #expect(try router.states(of: "2") == ["api": .offered])
    }

    @Test func aRouteNamesTheSessionBeforeItWasEverSeen() throws {
        let settings = RouterSettings(routes: [RouteRule(source: SourceName("chat"), to: .session("web"))])
        let router = try RouterFixture(settings: settings)
        try router.attachAdapter()
        try router.attachReadyEndpoint("api")
        #expect(try router.turn(router.publish(["1"])).deliveries(to: "api").isEmpty)
        try router.attachEndpoint("web")
        router.pass(3_000)
        #expect(try router.turn().deliveries(to: "web").map(\.head.id) == ["1"])
    }

    @Test func theEndpointIsNotGivenMoreThanItsCredit() throws {
        let router = try RouterFixture()
        try router.attachAdapter()
        try router.attachReadyEndpoint(credit: 10)
        let first = try router.turn(router.publish((0..<25).map(String.init))).deliveries()
        #expect(first.count == 10)
        let second = try router.turn(router.written(first.map(\.id))).deliveries()
        #expect(second.map(\.head.id) == (10..<20).map(String.init))
    }

    @Test func anOfferWithoutReceiptComesAgainMarked() throws {
        let router = try RouterFixture()
        try router.attachAdapter()
        try router.attachReadyEndpoint()
        let first = try router.turn(router.publish(["1", "2"])).deliveries()
        try router.restart()
        try router.attachAdapter(next: 2)
        // The same process: it says what it wrote, so only the other one comes again.
        let link = RouterFixture.link("api")
        let again = try router.attachEndpoint(written: [first[0].id]).deliveries
        #expect(again.map(\.head.id) == ["2"])
        #expect(again.first?.redelivery == 1)
        #expect(try router.states(of: "1") == ["api": .written])
        _ = link
    }

    @Test func theNextIncarnationIsOfferedOnceMoreWhatNothingCovered() throws {
        let router = try RouterFixture()
        try router.attachAdapter()
        try router.attachReadyEndpoint()
        let first = try router.turn(router.publish(["1", "2"], chat: "ann"), router.publish(["3"], chat: "bob"))
            .deliveries()
        try router.turn(router.written(first.map(\.id)))
        // A reply to bob covers what bob wrote.
        let link = RouterFixture.link("api")
        try router.turn((link, router.call("reply", ["chat_id": "chat:bob", "text": "ok"], id: "r", from: link)))
        try router.turn((link, .bye(Bye(code: "x", message: ""))))
        try router.attachEndpoint(instance: "instance-later")
        router.pass(3_000)
        let again = try router.turn().deliveries()
        #expect(again.map(\.head.id) == ["1"])
        #expect(again.first?.redelivery == 1)
        #expect(again.first?.count == 2, "one digest, as the first push")
        try router.turn(router.written(again.map(\.id)))
        router.pass(5_000)
        #expect(try router.turn().deliveries().isEmpty)
        #expect(try router.states(of: "2") == ["api": .written])
        try router.turn((link, .bye(Bye(code: "x", message: ""))))
        try router.attachEndpoint(instance: "instance-last")
        router.pass(3_000)
        #expect(try router.turn().deliveries().isEmpty, "once more and not again")
        #expect(try router.states(of: "2") == ["api": .done])
    }

    /// A scan of all that is under way for each of them would hold up the loop for seconds.
    @Test func aReceiptThatNamesAHundredThousandStrangersIsPassedOver() throws {
        let router = try RouterFixture()
        try router.attachAdapter()
        try router.attachReadyEndpoint(credit: 4_096)
        for batch in 0..<16 { try router.turn(router.publish((0..<256).map { "\(batch)/\($0)" })) }
        let strangers = (0..<100_000).map { Int64($0) + 1_000_000 }
        let clock = ContinuousClock()
        let time = try clock.measure {
            try router.turn(router.written(strangers + Array(repeating: 4_096, count: 100_000)))
        }
        #expect(router.core.sessions.values.first?.inFlight.count == 4_095)
        #expect(time < .seconds(2))
    }

    @Test func aDeliveryThatCannotBeWrittenIsADeadLetter() throws {
        let router = try RouterFixture()
        try router.attachAdapter()
        try router.attachReadyEndpoint()
        let delivery = try #require(try router.turn(router.publish(["1"])).deliveries().first)
        let link = RouterFixture.link("api")
        let receipt = Receipt(failed: [Receipt.Failure(delivery: delivery.id, code: "malformed")])
        try router.turn((link, .numbered(router.position(link), .receipt(receipt))))
        #expect(try router.states(of: "1") == ["api": .dead])
    }

    @Test func moreThanTheWindowWaitsAndComesInOrder() throws {
        let router = try RouterFixture()
        try router.attachAdapter()
        let total = Mailbox.windowLimit * 2 + 100
        for start in stride(from: 0, to: total, by: 200) {
            try router.turn(router.publish((start..<min(start + 200, total)).map(String.init)))
        }
        try router.attachReadyEndpoint(credit: 500)
        var seen: [String] = []
        var sent = try router.turn().deliveries()
        // The first offers went out in the turn that proved the session.
        seen = try router.history().reversed().filter { $0.deliveries.first?.state == .offered }.map(\.head.id)
        sent = try router.history().reversed().filter { $0.deliveries.first?.state == .offered }.map {
            Delivery(id: $0.sequence, source: $0.source, head: $0.head, body: [])
        }
        while !sent.isEmpty {
            sent = try router.turn(router.written(sent.map(\.id))).deliveries()
            seen += sent.map(\.head.id)
        }
        #expect(seen == (0..<total).map(String.init))
    }

    @Test func inboxPullsWhatWaitsAndCoversWhatWasWritten() throws {
        let router = try RouterFixture()
        try router.attachAdapter()
        try router.attachReadyEndpoint(credit: 1)
        let first = try router.turn(router.publish(["1", "2", "3"])).deliveries()
        try router.turn(router.written(first.map(\.id)))
        let link = RouterFixture.link("api")
        let answers = try router.turn((link, router.call("inbox", ["limit": 10], id: "i", from: link))).to(link).answers
        guard case .success(let value) = try #require(answers.first).outcome else { return #expect(Bool(false)) }
        let ids = value["messages"]?.arrayValue?.compactMap { $0["message_id"]?.stringValue }
        #expect(ids == ["1", "3"], "2 is under way, 1 was written, 3 waited")
        // The answer may be lost on its way: seen is what the endpoint says it wrote.
        #expect(try router.states(of: "3") == ["api": .offered])
        try router.turn(router.written([1, 3]))
        router.pass(DeferredChanges.patience)
        try router.turn()
        #expect(try router.states(of: "1") == ["api": .seen])
        #expect(try router.states(of: "3") == ["api": .seen])
    }

    @Test func whatAnInboxGaveComesAgainWhenItsAnswerWasLost() throws {
        let router = try RouterFixture()
        try router.attachAdapter()
        try router.attachReadyEndpoint(credit: 1)
        let first = try router.turn(router.publish(["1", "2", "3"])).deliveries()
        try router.turn(router.written(first.map(\.id)))
        func inbox(_ id: String, _ link: LinkID) throws -> [String] {
            let answers = try router.turn((link, router.call("inbox", ["limit": 10], id: id, from: link))).to(link)
                .answers
            guard case .success(let value) = try #require(answers.first).outcome else { return [] }
            return value["messages"]?.arrayValue?.compactMap { $0["message_id"]?.stringValue } ?? []
        }
        #expect(try inbox("i", RouterFixture.link("api")) == ["1", "3"])
        // Nobody said that the answer was written: asked anew, the same is given.
        #expect(try inbox("j", RouterFixture.link("api")) == ["1", "3"])
        // The link breaks, and the endpoint asks the same call over a new one; 1 is what it wrote as a notification.
        let link = RouterFixture.link("again")
        try router.attachEndpoint(link: link, instance: "instance-api", written: [1], credit: 1)
        #expect(try inbox("j", link) == ["1", "3"])
        #expect(try router.states(of: "1") == ["api": .written])
        #expect(try router.states(of: "3") == ["api": .offered])
    }

    @Test func anInboxThatWaitsIsAnsweredByTheNextMessage() throws {
        let router = try RouterFixture()
        try router.attachAdapter()
        try router.attachReadyEndpoint()
        let link = RouterFixture.link("api")
        #expect(
            try router.turn((link, router.call("inbox", ["wait_seconds": 30], id: "w", from: link))).to(link).answers
                .isEmpty)
        let sent = try router.turn(router.publish(["1"]))
        #expect(sent.to(link).answers.map(\.id) == ["w"])
        #expect(sent.deliveries().isEmpty)
        try router.turn((link, router.call("inbox", ["wait_seconds": 30], id: "v", from: link)))
        router.pass(30_000)
        try router.turn((link, .heartbeat(epoch: router.epoch(link))))
        #expect(router.core.sessions.values.first?.parkedInbox == nil)
    }

    @Test func ofTwoInboxCallsThatWaitTheEarlierEnds() throws {
        let router = try RouterFixture()
        try router.attachAdapter()
        try router.attachReadyEndpoint()
        let link = RouterFixture.link("api")
        try router.turn((link, router.call("inbox", ["wait_seconds": 30], id: "w", from: link)))
        let sent = try router.turn((link, router.call("inbox", ["wait_seconds": 30], id: "v", from: link)))
        #expect(sent.to(link).answers.map(\.id) == ["w"])
        #expect(try router.turn(router.publish(["1"])).to(link).answers.map(\.id) == ["v"])
    }

    @Test func twoSessionsOfOneNameAreTwoLabels() throws {
        let router = try RouterFixture()
        #expect(try router.attachEndpoint("api", parent: 1).welcome?.name == "api")
        let second = try router.attachEndpoint(
            "api", link: RouterFixture.link("b"), instance: "instance-b", parent: 1 << 40, project: "/other/api")
        #expect(second.welcome?.name == "api-2")
    }

    @Test func aSessionFindsTheLabelAgainThatWasMadeUniqueForIt() throws {
        let router = try RouterFixture()
        try router.attachEndpoint("api", parent: 1)
        func other(_ name: String) throws -> Welcome? {
            let link = RouterFixture.link(name)
            return try router.attachEndpoint(
                "api", link: link, instance: "instance-\(name)", parent: 1 << 40, project: "/other/api"
            ).welcome
        }
        #expect(try other("b")?.name == "api-2")
        try router.turn((RouterFixture.link("b"), .bye(Bye(code: "shutting-down", message: ""))))
        #expect(try other("c")?.name == "api-2")
        #expect(router.core.sessions.count == 2)
    }

    /// `claude mcp list` beside a session of the same project, again and again.
    @Test func handshakesBesideASessionLeaveOneBehindAndNotOneEach() throws {
        let router = try RouterFixture()
        try router.attachEndpoint("api", parent: 1)
        for number in 0..<5 {
            let link = RouterFixture.link("list-\(number)")
            let welcome = try router.attachEndpoint(
                "api", link: link, instance: "instance-\(number)", parent: 1 << 40 + Int64(number)
            ).welcome
            #expect(welcome?.name == "api-2")
            try router.turn((link, .bye(Bye(code: "shutting-down", message: ""))))
        }
        #expect(router.core.sessions.count == 2)
    }

    @Test func aRestartedClaudeCodeReplacesItsOldConnection() throws {
        let router = try RouterFixture()
        try router.attachEndpoint("api", parent: 1)
        // The parent is the same Claude Code: `/mcp` restarted its server.
        let again = try router.attachEndpoint(
            "api", link: RouterFixture.link("new"), instance: "instance-new", parent: 1)
        #expect(again.welcome?.name == "api")
        #expect(router.core.sessions.count == 1)
    }

    /// Each event came in a PUBLISH of its own; together their heads were too much for one header, and the endpoint
    /// refused the same message for ever.
    @Test func aDeliverMessageStaysWithinTheProtocolsLimits() throws {
        let router = try RouterFixture()
        try router.attachAdapter()
        let long = String(repeating: "\u{1}", count: EventHead.fieldLimit - 8)
        for number in 0..<120 { try router.turn(router.publish(["\(number)" + long], chat: long, sender: long)) }
        try router.attachEndpoint()
        router.pass(3_000)
        var sent = try router.turn()
        let link = RouterFixture.link("api")
        sent += try router.turn((link, router.call("conversations", [:], from: link)))
        let frames = sent.to(link).map(\.frames).filter { $0.command == .deliver }
        #expect(frames.count > 1)
        for frame in frames {
            #expect(frame.header.count <= BusLimits.headerBytes && frame.size <= BusLimits.messageBytes)
        }
    }

    @Test func anInboxAnswerStaysWithinTheProtocolsLimits() throws {
        let router = try RouterFixture()
        try router.attachAdapter()
        let text = String(repeating: "x", count: 900_000)
        for number in 0..<8 { try router.turn(router.publish(["\(number)"], text: text)) }
        try router.attachEndpoint()
        let link = RouterFixture.link("api")
        var seen: [String] = []
        for number in 0..<8 where seen.count < 8 {
            let answers = try router.turn((link, router.call("inbox", ["limit": 50], id: "i\(number)", from: link))).to(
                link)
            for frame in answers.map(\.frames) { #expect(frame.size <= BusLimits.messageBytes) }
            guard case .success(let value)? = answers.answers.first?.outcome else { continue }
            seen += value["messages"]?.arrayValue?.compactMap { $0["message_id"]?.stringValue } ?? []
            let deliveries = answers.deliveries.map(\.id)
            if !deliveries.isEmpty { try router.turn(router.written(deliveries)) }
        }
        #expect(Set(seen).isSubset(of: Set((0..<8).map(String.init))))
        #expect(!seen.isEmpty)
        let history = try router.store.read { try $0.history(place: nil, before: nil, limit: 1_000) }
        #expect(history.count == 2, "what is left out is older, and comes with the next page")
    }
}
