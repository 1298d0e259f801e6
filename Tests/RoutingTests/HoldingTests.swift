import BusProtocol
import ChannelEvents
import JSON
import MessageBus
import MessageStore
import Testing

@testable import Routing

/// What a session with hooks is given, and when; what counts as seen.
struct HoldingTests {
    private let api = RouterFixture.link("api")

    private func hooked() throws -> RouterFixture {
        let router = try RouterFixture()
        try router.attachAdapter()
        try router.attachHookedEndpoint()
        return router
    }

    @Test func anIdleSessionGetsAMessageAtOnce() throws {
        let router = try hooked()
        #expect(try router.turn(router.publish(["1"])).deliveries().map(\.head.id) == ["1"])
        #expect(router.core.sessions.values.first?.word == "idle")
    }

    @Test func whatComesDuringATurnIsHeldAndThenGroupedByConversation() throws {
        let router = try hooked()
        try router.turn(router.submit())
        for (id, chat) in [("1", "ann"), ("2", "bob"), ("3", "ann"), ("4", "eve"), ("5", "bob")] {
            #expect(try router.turn(router.publish([id], chat: chat)).deliveries().isEmpty)
        }
        let held = try #require(try router.history().first { $0.head.id == "3" }?.deliveries.first)
        #expect(held.changes.map(\.word) == ["held"] && held.reason == "busy")
        #expect(router.core.sessions.values.first?.word == "busy")
        router.pass(10)
        let sent = try router.turn(router.hook("Stop")).deliveries()
        #expect(sent.map(\.head.id) == ["1", "3", "2", "5", "4"])
        #expect(sent.allSatisfy { $0.redelivery == 0 })
    }

    @Test func whatWasWrittenIsSeenOnlyByProof() throws {
        let router = try hooked()
        let sent = try router.turn(router.publish(["1", "2"])).deliveries()
        #expect(sent.map(\.head.id) == ["1", "2"], "back to back")
        try router.turn(router.written(sent.map(\.id)))
        router.pass(DeferredChanges.patience)
        try router.turn()
        #expect(try router.states(of: "1") == ["api": .written])
        // A third one waits until it is known what became of these.
        #expect(try router.turn(router.publish(["3"])).deliveries().isEmpty)
        #expect(try router.history().first { $0.head.id == "3" }?.deliveries.first?.reason == "unseen")
        try router.turn(router.submit("1"))
        #expect(try router.states(of: "1") == ["api": .seen])
        #expect(try router.states(of: "2") == ["api": .written])
        router.pass(5)
        try router.turn(router.submit("2"))
        #expect(try router.states(of: "2") == ["api": .seen])
        router.pass(5)
        #expect(try router.turn(router.hook("Stop")).deliveries().map(\.head.id) == ["3"])
        #expect(try router.states(of: "1") == ["api": .done])
    }

    @Test func aProofBeforeTheReceiptIsOneToo() throws {
        let router = try hooked()
        let sent = try router.turn(router.publish(["1"])).deliveries()
        try router.turn(router.submit("1"))
        #expect(try router.states(of: "1") == ["api": .seen])
        try router.turn(router.written(sent.map(\.id)))
        router.pass(DeferredChanges.patience)
        try router.turn()
        #expect(try router.states(of: "1") == ["api": .seen], "a late receipt takes nothing back")
    }

    @Test func aReplyAnswersWhatWasSeen() throws {
        let router = try hooked()
        let sent = try router.turn(router.publish(["1"], chat: "ann"), router.publish(["2"], chat: "bob")).deliveries()
        try router.turn(router.written(sent.map(\.id)), router.submit("1"), router.submit("2"))
        try router.turn((api, router.call("reply", ["chat_id": "chat:ann", "text": "ok"], id: "r", from: api)))
        #expect(try router.states(of: "1") == ["api": .answered])
        #expect(try router.states(of: "2") == ["api": .seen])
        let changes = try router.history().first { $0.head.id == "1" }?.deliveries.first?.changes.map(\.word)
        #expect(changes == ["stored", "offered", "written", "seen", "answered"])
    }

    @Test func urgentGoesIntoARunningTurn() throws {
        let router = try hooked()
        try router.turn(router.submit())
        #expect(try router.turn(router.publish(["1"], text: "later")).deliveries().isEmpty)
        #expect(try router.turn(router.publish(["2"], text: "!now")).deliveries().map(\.head.id) == ["2"])
        #expect(try router.turn(router.publish(["3"], text: "!")).deliveries().isEmpty, "says nothing")
        router.pass(5)
        // Its proof comes in the same turn or after it; until then nothing is written after it.
        #expect(try router.turn(router.hook("Stop")).deliveries().isEmpty)
        router.pass(5)
        try router.turn(router.submit("2"))
        router.pass(5)
        #expect(try router.turn(router.hook("Stop")).deliveries().map(\.head.id) == ["1", "3"])
    }

    @Test func withoutHooksEverythingGoesAtOnce() throws {
        let router = try RouterFixture()
        try router.attachAdapter()
        try router.attachReadyEndpoint()
        for number in 0..<5 { #expect(try router.turn(router.publish(["\(number)"])).deliveries().count == 1) }
        try router.idle(120_000)
        #expect(router.core.sessions.values.first?.proof.deafness == nil)
    }

    @Test func theFirstPushIsProvedAndTheRestFollowsItsTurn() throws {
        let router = try RouterFixture()
        try router.attachAdapter()
        try router.turn(router.publish(["1", "2", "3"]))
        try router.attachEndpoint()
        router.pass(3_000)
        let first = try router.turn().deliveries()
        #expect(first.map(\.head.id) == ["1"])
        #expect(try router.turn(router.written(first.map(\.id)), router.submit("1")).deliveries().isEmpty)
        #expect(try router.states(of: "1") == ["api": .seen])
        router.pass(10)
        #expect(try router.turn(router.hook("Stop")).deliveries().map(\.head.id) == ["2", "3"])
    }

    @Test func aRestartedRouterDoesNotWriteIntoATurn() throws {
        let router = try hooked()
        let sent = try router.turn(router.publish(["1"])).deliveries()
        try router.turn(router.written(sent.map(\.id)), router.submit("1"))
        try router.turn(router.publish(["2"]))
        try router.restart()
        try router.attachAdapter(next: 3)
        #expect(try router.attachEndpoint(written: [1]).deliveries.isEmpty)
        #expect(try router.turn(router.publish(["3"])).deliveries().isEmpty)
        router.pass(10)
        #expect(try router.turn(router.hook("Stop")).deliveries().map(\.head.id) == ["2", "3"])
        #expect(try router.states(of: "1") == ["api": .done], "the turn owned it over the restart")
    }

    @Test func silenceLetsWhatWaitsGo() throws {
        let router = try hooked()
        try router.turn(router.submit())
        try router.turn(router.publish(["1"]))
        #expect(try router.idle(SessionTurn.silence - 1).deliveries().isEmpty)
        #expect(try router.idle(1).deliveries().map(\.head.id) == ["1"])
    }

    // MARK: Deaf

    @Test func whatAnIdleSessionDoesNotTakeMakesItDeaf() throws {
        let router = try hooked()
        let sent = try router.turn(router.publish(["1"])).deliveries()
        try router.turn(router.written(sent.map(\.id)))
        try router.idle(29_999)
        #expect(router.core.sessions.values.first?.proof.deafness == nil)
        try router.idle(1)
        #expect(router.core.sessions.values.first?.word == "deaf")
        // Nothing more is pushed at it.
        #expect(try router.turn(router.publish(["2"])).deliveries().isEmpty)
        #expect(try router.history().first { $0.head.id == "2" }?.deliveries.first?.reason == "deaf")
        // It took the message after all.
        try router.turn(router.submit("1"))
        router.pass(10)
        #expect(try router.turn(router.hook("Stop")).deliveries().map(\.head.id) == ["2"])
    }

    @Test func theClockForSeenRunsOnlyWhileIdle() throws {
        let router = try hooked()
        let sent = try router.turn(router.publish(["1"])).deliveries()
        try router.turn(router.written(sent.map(\.id)), router.submit())
        let tool: JSONObject = ["tool_use_id": "t"]
        try router.turn(router.hook("PreToolUse", tool))
        try router.idle(300_000)
        #expect(router.core.sessions.values.first?.proof.deafness == nil)
        try router.turn(router.hook("Stop"))
        try router.idle(29_999)
        #expect(router.core.sessions.values.first?.proof.deafness == nil)
        try router.idle(1)
        #expect(router.core.sessions.values.first?.proof.deafness != nil)
    }

    @Test func aDeafSessionGetsItAgainMarkedWhenItAttachesAnewAndEveryTime() throws {
        let router = try hooked()
        let sent = try router.turn(router.publish(["1"])).deliveries()
        try router.turn(router.written(sent.map(\.id)))
        for attempt in 1...3 {
            try router.turn((api, .bye(Bye(code: "x", message: ""))))
            try router.attachEndpoint(instance: "instance-\(attempt)")
            let settle = Int64(3_000)
            router.pass(settle)
            let again = try router.turn().deliveries()
            #expect(again.map(\.head.id) == ["1"])
            #expect(again.first?.redelivery == Int64(attempt))
            try router.turn(router.written(again.map(\.id)), router.submit(by: "api"))
        }
    }

    @Test func aSessionThatHadHooksIsExpectedToHaveThem() throws {
        let router = try hooked()
        try router.turn((api, .bye(Bye(code: "x", message: ""))))
        try router.attachEndpoint(instance: "instance-later")
        router.pass(3_000)
        let sent = try router.turn(router.publish(["1"])).deliveries()
        #expect(sent.count == 1)
        try router.turn(router.written(sent.map(\.id)))
        try router.idle(30_000)
        #expect(router.core.sessions.values.first?.word == "deaf")
    }
}
