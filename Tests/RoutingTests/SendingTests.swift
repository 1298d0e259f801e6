import BusProtocol
import ChannelEvents
import JSON
import MessageStore
import Testing

@testable import Routing

struct SendingTests {
    private let api = RouterFixture.link("api")
    private let chat = RouterFixture.link("chat")

    private func readyRouter(features: Set<String> = []) throws -> RouterFixture {
        let router = try RouterFixture()
        try router.attachAdapter(features: features)
        try router.attachReadyEndpoint()
        let deliveries = try router.turn(router.publish(["1"])).deliveries()
        try router.turn(router.written(deliveries.map(\.id)))
        return router
    }

    private func reply(
        _ router: RouterFixture, _ text: String = "on it", id: String = "toolu_1", to chatID: String = "chat:ann"
    )
        throws -> [Effects.Outgoing]
    {
        try router.turn(
            (api, router.call("reply", ["chat_id": .string(chatID), "text": .string(text)], id: id, from: api)))
    }

    private func status(_ answers: [Answer]) -> String? {
        guard case .success(let value)? = answers.first?.outcome else { return nil }
        return value["status"]?.stringValue
    }

    @Test func aReplyGoesToItsAdapterAndComesBackSent() throws {
        let router = try readyRouter()
        let command = try #require(try reply(router).to(chat).commands.first)
        #expect(command.chat == "ann")
        #expect(command.arguments["text"] == "on it")
        let answers = try router.turn(router.result(command.key, .sent(ids: ["m9"]))).to(api).answers
        #expect(status(answers) == "sent")
        #expect(try router.states(of: "1") == ["api": .answered])
    }

    @Test func theSameCallIsSentOnce() throws {
        let router = try readyRouter()
        let command = try #require(try reply(router).to(chat).commands.first)
        #expect(try reply(router).to(chat).commands.isEmpty)
        try router.turn(router.result(command.key, .sent(ids: ["m9"])))
        let again = try reply(router)
        #expect(again.to(chat).commands.isEmpty)
        #expect(status(again.to(api).answers) == "sent")
    }

    @Test func theSameWordsWithinTwoMinutesAreOneReply() throws {
        let router = try readyRouter()
        let command = try #require(try reply(router).to(chat).commands.first)
        try router.turn(router.result(command.key, .sent(ids: ["m9"])))
        #expect(try reply(router, id: "toolu_2").to(chat).commands.isEmpty)
        router.pass(121_000)
        try router.attachAdapter(next: 5)
        try router.attachReadyEndpoint()
        #expect(try reply(router, id: "toolu_3").to(chat).commands.count == 1)
    }

    @Test func historyShowsRepliesAndGoesBackFromAnEvent() throws {
        let router = try readyRouter()
        _ = try reply(router, "on it")
        let event = try #require(EventKey("chat:1"))
        try router.store.read { reader in
            let all = try reader.replies(place: nil, times: 0..<Int64.max, limit: 10)
            #expect(all.map(\.conversation.description) == ["chat:ann"])
            #expect(try reader.replies(place: nil, times: 0..<1, limit: 10).isEmpty)
            #expect(try reader.sequence(of: event) == 1)
            #expect(try reader.sequence(of: #require(EventKey("chat:none"))) == nil)
        }
        let person = RouterFixture.link("history")
        let hello = Hello(role: .operator, name: "history", program: "test", instance: "12345678", pid: 1)
        try router.turn((person, .hello(hello)))
        let bad = Call(id: "q", name: "history", arguments: ["before": 5])
        let answers = try router.turn((person, .query(epoch: router.epoch(person), bad))).to(person).answers
        guard case .failure(let code, _)? = answers.first?.outcome else { return #expect(Bool(false)) }
        #expect(code == "not-found", "an event is named by the id that people see")
    }

    @Test func everyCallerOfOnePartIsAnswered() throws {
        let router = try readyRouter()
        let command = try #require(try reply(router, id: "toolu_1").to(chat).commands.first)
        // The same words again, while the first call is under way; and that one once more, as after a lost link.
        for id in ["toolu_2", "toolu_1"] { #expect(try reply(router, id: id).to(chat).commands.isEmpty) }
        let answers = try router.turn(router.result(command.key, .sent(ids: ["m9"]))).to(api).answers
        #expect(answers.map(\.id).sorted() == ["toolu_1", "toolu_2"])
        #expect(answers.allSatisfy { status([$0]) == "sent" })
    }

    @Test func tooManyCallersOfOnePartHearHowItStands() throws {
        let router = try readyRouter()
        let sent = try (0...Outbox.callerLimit).flatMap { try reply(router, id: "toolu_\($0)").to(api) }
        #expect(sent.answers.map(\.id) == ["toolu_0"])
        #expect(status(sent.answers) == "queued")
    }

    @Test func aChatThatWasNeverDeliveredIsRefused() throws {
        let router = try readyRouter()
        let answers = try reply(router, to: "chat:bob").to(api).answers
        guard case .failure(let code, _)? = answers.first?.outcome else { return #expect(Bool(false)) }
        #expect(code == "not-allowed")
    }

    @Test func lanesKeepTheirOrderAndDoNotWaitForEachOther() throws {
        let router = try readyRouter()
        let more = try router.turn(router.publish(["2"], chat: "bob")).deliveries()
        try router.turn(router.written(more.map(\.id)))
        let first = try #require(try reply(router, "one", id: "t1").to(chat).commands.first)
        #expect(try reply(router, "two", id: "t2").to(chat).commands.isEmpty)
        #expect(try reply(router, "other", id: "t3", to: "chat:bob").to(chat).commands.map(\.chat) == ["bob"])
        let next = try router.turn(router.result(first.key, .sent(ids: []))).to(chat).commands
        #expect(next.map(\.key) == ["t2"])
    }

    @Test func anAwayPlatformQueuesAndSendsWhenItIsBack() throws {
        let router = try readyRouter()
        try router.turn((chat, .bye(Bye(code: "x", message: ""))))
        #expect(status(try reply(router).to(api).answers) == "queued")
        let commands = try router.attachAdapter(instance: "instance-new").commands
        #expect(commands.map(\.key) == ["toolu_1"])
    }

    @Test func retryIsObeyedAndResumedChatsAreTriedAtOnce() throws {
        let router = try readyRouter()
        let command = try #require(try reply(router).to(chat).commands.first)
        let refused = try router.turn(router.result(command.key, .retry(after: 40_000, reason: "slow down")))
        #expect(status(refused.to(api).answers) == "queued")
        router.pass(9_000)
        #expect(try router.turn().to(chat).commands.isEmpty)
        let resumed = try router.turn(
            (chat, .health(epoch: router.epoch(chat), Health(state: .up, resumed: ["ann"]))))
        #expect(resumed.to(chat).commands.map(\.key) == ["toolu_1#2"])
    }

    /// The first try ended in `retry`, the second is under way, and the router that took the first RESULT died before it
    /// acknowledged it: the adapter says that RESULT again.
    @Test func anOldResultDoesNotCountForALaterTry() throws {
        let router = try readyRouter()
        let first = try #require(try reply(router).to(chat).commands.first)
        try router.turn(router.result(first.key, .retry(after: 100, reason: "slow down")))
        router.pass(200)
        let second = try #require(try router.turn().to(chat).commands.first)
        try router.restart()
        #expect(try router.attachAdapter(next: 2).commands.map(\.key) == [second.key])
        try router.turn(router.result(first.key, .retry(after: 100, reason: "slow down")))
        // The second try was carried out, and its process died with the RESULT.
        try router.turn((chat, .bye(Bye(code: "x", message: ""))))
        router.pass(200)
        #expect(try router.attachAdapter(instance: "another-process").commands.isEmpty, "it would be sent twice")
        try router.attachEndpoint()
        #expect(status(try reply(router).to(api).answers) == "unknown")
    }

    @Test func anAdapterThatDiedWhileSendingLeavesItUnknown() throws {
        let router = try readyRouter()
        #expect(try reply(router).to(chat).commands.count == 1)
        try router.turn((chat, .bye(Bye(code: "x", message: ""))))
        let sent = try router.turn(
            (
                chat,
                .hello(
                    Hello(
                        role: .adapter, name: "chat", program: "t", instance: "another-process", pid: 1,
                        key: RouterFixture.key, abilities: Abilities(verbs: ["send"])))
            ))
        #expect(sent.to(chat).commands.isEmpty, "never sent again silently")
        #expect(status(sent.to(api).answers) == "unknown")
    }

    @Test func aLiveAdapterIsAskedAgainForAKeyItMayKnow() throws {
        let router = try readyRouter()
        #expect(try reply(router).to(chat).commands.count == 1)
        try router.restart()
        let commands = try router.attachAdapter(next: 2).commands
        #expect(commands.map(\.key) == ["toolu_1"])
        #expect(commands.first?.again == true)
    }

    @Test func aPlatformWithIdempotentSendsGetsItAgain() throws {
        let router = try readyRouter(features: ["idempotent"])
        #expect(try reply(router).to(chat).commands.count == 1)
        try router.restart()
        router.pass(BusLimits.silence)
        let commands = try router.attachAdapter(instance: "another-process", features: ["idempotent"]).commands
        #expect(commands.first?.again == true)
    }

    @Test func aCallIsAnsweredAfterARouterRestart() throws {
        let router = try readyRouter()
        #expect(try reply(router).to(chat).commands.count == 1)
        try router.restart()
        try router.attachAdapter(next: 2)
        try router.attachEndpoint()
        #expect(try reply(router).to(api).answers.isEmpty, "it is still being sent")
        let answers = try router.turn(router.result("toolu_1", .sent(ids: ["m9"]))).to(api).answers
        #expect(status(answers) == "sent")
    }

    @Test func aRejectionIsSaidWithItsReason() throws {
        let router = try readyRouter()
        let command = try #require(try reply(router).to(chat).commands.first)
        let answers = try router.turn(router.result(command.key, .rejected(reason: "chat closed"))).to(api).answers
        guard case .failure(_, let message)? = answers.first?.outcome else { return #expect(Bool(false)) }
        #expect(message.contains("chat closed"))
    }

    @Test func aCallerHearsAfterTenSecondsThatNothingIsConfirmed() throws {
        let router = try readyRouter()
        #expect(try reply(router).to(api).answers.isEmpty)
        router.pass(9_000)
        try router.turn((chat, .heartbeat(epoch: router.epoch(chat))), (api, .heartbeat(epoch: router.epoch(api))))
        router.pass(1_000)
        #expect(status(try router.turn().to(api).answers) == "queued")
    }
}
