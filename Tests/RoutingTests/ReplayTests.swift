import BusProtocol
import ChannelEvents
import JSON
import MessageStore
import Testing

@testable import Routing

/// `replay`: delivered again, marked, and never what waits already.
struct ReplayTests {
    private func success(_ outcome: Answer.Outcome) throws -> JSONValue {
        guard case .success(let value) = outcome else {
            Issue.record("\(outcome)")
            return nil
        }
        return value
    }

    private func readyRouter() throws -> RouterFixture {
        let router = try RouterFixture()
        try router.attachAdapter()
        try router.attachReadyEndpoint()
        return router
    }

    @Test func whatWasDeliveredComesAgainMarked() throws {
        let router = try readyRouter()
        let first = try router.turn(router.publish(["1"])).deliveries()
        try router.turn(router.written(first.map(\.id)))
        try router.idle(1_000)
        let answer = try success(try router.ask("replay", ["event": "chat:1"]))
        #expect(answer["replayed"] == 1)
        #expect(answer["events"] == [["event_id": "chat:1", "session": "api"]])
        let again = try router.turn().deliveries()
        let delivered = again.isEmpty ? try router.states(of: "1") : [:]
        #expect(again.map(\.head.id) == ["1"] || delivered == ["api": .offered])
        #expect(again.allSatisfy { $0.redelivery > 0 })
    }

    @Test func whatWaitsIsLeftAlone() throws {
        let router = try RouterFixture()
        try router.attachAdapter()
        try router.turn(router.publish(["1"]))
        guard case .failure(_, let message) = try router.ask("replay", ["event": "chat:1"]) else {
            Issue.record("what waits for nobody was replayed")
            return
        }
        #expect(message.contains("no session"))
        try router.attachReadyEndpoint()
        _ = try router.turn()
        // Offered and not yet written: it is on its way.
        guard case .failure(_, let message) = try router.ask("replay", ["event": "chat:1"]) else {
            Issue.record("what is on its way was replayed")
            return
        }
        #expect(message.contains("already"))
        for unknown in ["chat:9", "nowhere:1"] {
            guard case .failure = try router.ask("replay", ["event": .string(unknown)]) else {
                Issue.record("\(unknown) was replayed")
                continue
            }
        }
    }

    @Test func aWholeConversationGoesToTheSessionItBelongsToNow() throws {
        let router = try readyRouter()
        let first = try router.turn(
            router.publish(["1", "2"]), router.publish(["3"], chat: "bob")
        ).deliveries()
        try router.turn(router.written(first.map(\.id)))
        try router.attachReadyEndpoint("web")
        try router.turn(router.publish(["u"], text: "/use web"))
        try router.idle(1_000, "chat", "api", "web")
        let since = router.now.wall
        #expect(try success(try router.ask("replay", ["conversation": "chat:ann", "since_ms": 0]))["replayed"] == 2)
        #expect(try router.states(of: "1")["web"] != nil)
        #expect(try router.states(of: "3")["web"] == nil)
        guard case .failure = try router.ask("replay", ["conversation": "chat:ann", "since_ms": .integer(since)]) else {
            Issue.record("older events were replayed")
            return
        }
        // A crash in between loses nothing of it.
        try router.restart()
        try router.attachAdapter(instance: "new")
        try router.attachReadyEndpoint("web")
        router.pass(10_000)
        #expect(try router.states(of: "2")["web"] != nil)
    }
}
