import BusProtocol
import ChannelEvents
import JSON
import MessageBus
import MessageStore
import Testing

@testable import Routing

/// What the end of a turn means for those who wait, what they read meanwhile, and `/stop`.
struct TurnEndTests {
    private let api = RouterFixture.link("api")
    private let chat = RouterFixture.link("chat")

    private func hooked(_ turns: TurnSettings = TurnSettings(), verbs: Set<String> = RouterFixture.verbs) throws
        -> RouterFixture
    {
        let router = try RouterFixture(settings: RouterSettings(turns: turns))
        try router.attachAdapter(verbs: verbs)
        try router.attachHookedEndpoint()
        return router
    }

    /// A message that is published, written and seen.
    private func see(_ id: String, chat: String = "ann", in router: RouterFixture) throws {
        let sent = try router.turn(router.publish([id], chat: chat)).deliveries()
        try router.turn(router.written(sent.map(\.id)), router.submit(id))
        router.pass(10)
    }

    private func stop(_ text: String = "", isActive: Bool = false) -> JSONObject {
        [HookMember.lastMessage: .string(text), HookMember.stopIsActive: .bool(isActive)]
    }

    @Test func whoForgetsToAnswerIsRemindedOnceAndThenTheSenderIsTold() throws {
        let router = try hooked()
        try see("1", in: router)
        let first = try router.turn(router.hook("Stop", stop("done"), wantsAnswer: true))
        let reminder = try #require(first.to(api).hookAnswer)
        #expect(reminder["decision"] == "block")
        #expect(reminder["reason"]?.stringValue?.contains("chat:ann") == true)
        #expect(first.texts(to: chat).isEmpty)
        #expect(router.core.sessions.values.first?.word == "busy", "it works on")
        router.pass(10)
        let second = try router.turn(router.hook("Stop", stop("done", isActive: true), wantsAnswer: true))
        #expect(second.to(api).hookAnswer == [:])
        #expect(second.texts(to: chat) == ["api ended its turn without an answer."])
        #expect(try router.states(of: "1") == ["api": .done])
        router.pass(10)
        #expect(try router.turn(router.hook("Stop", stop(), wantsAnswer: true)).texts(to: chat).isEmpty)
    }

    @Test func whoAnswersOrPassesIsNotReminded() throws {
        let router = try hooked()
        try see("1", in: router)
        try router.turn((api, router.call("reply", ["chat_id": "chat:ann", "text": "ok"], id: "r", from: api)))
        #expect(try router.turn(router.hook("Stop", stop(), wantsAnswer: true)).to(api).hookAnswer == [:])
        #expect(try router.states(of: "1") == ["api": .answered])
    }

    @Test func aTurnThatAnotherHookKeptGoingIsLetGo() throws {
        let router = try hooked()
        try see("1", in: router)
        let sent = try router.turn(router.hook("Stop", stop(isActive: true), wantsAnswer: true))
        #expect(sent.to(api).hookAnswer == [:])
        #expect(sent.texts(to: chat).count == 1)
    }

    @Test func nobodyIsRemindedOfAlerts() throws {
        let router = try hooked()
        let alert = router.publish(["1"], authentication: .secret)
        let sent = try router.turn(alert).deliveries()
        try router.turn(router.written(sent.map(\.id)), router.submit("1"))
        let end = try router.turn(router.hook("Stop", stop(), wantsAnswer: true))
        #expect(end.to(api).hookAnswer == [:] && end.texts(to: chat).isEmpty)
        #expect(try router.states(of: "1") == ["api": .done])
    }

    @Test func closingWordsAnswerWhereThatIsWanted() throws {
        let router = try hooked(TurnSettings(answersWithTranscript: true))
        try see("1", in: router)
        try router.turn(router.hook("Stop", stop("It is 5."), wantsAnswer: true))
        router.pass(10)
        let end = try router.turn(router.hook("Stop", stop("It is 5.", isActive: true), wantsAnswer: true))
        #expect(end.texts(to: chat) == ["It is 5."])
        #expect(try router.states(of: "1") == ["api": .answered])
    }

    @Test func longClosingWordsComeInSeveralMessages() throws {
        let router = try RouterFixture(settings: RouterSettings(turns: TurnSettings(answersWithTranscript: true)))
        try router.attachAdapter(verbs: RouterFixture.verbs, textLimit: 60)
        try router.attachHookedEndpoint()
        try see("1", in: router)
        let words = "**All** is well.\n\n" + (1...20).map { "word\($0)" }.joined(separator: " ")
        try router.turn(router.hook("Stop", stop(words), wantsAnswer: true))
        router.pass(10)
        try router.turn(router.hook("Stop", stop(words, isActive: true), wantsAnswer: true))
        let parts = router.core.outbox.parts.values.filter { $0.key.hasPrefix("transcript:") }.sorted { $0.id < $1.id }
        let texts = try parts.map { try JSONValue(parsing: $0.arguments)["text"]?.stringValue ?? "" }
        #expect(texts.count > 1 && texts.allSatisfy { $0.utf16.count <= 60 })
        #expect(texts.first?.hasPrefix("All is well.") == true && texts.last?.contains("word20") == true)
        #expect(parts.map(\.replyTo) == ["1"] + Array(repeating: nil, count: parts.count - 1))
    }

    @Test func closingWordsNeverGoToAChatTheyMayNotBeMeantFor() throws {
        for isTyped in [true, false] {
            let router = try hooked(TurnSettings(answersWithTranscript: true))
            try see("1", in: router)
            if isTyped {
                try router.turn(router.submit())
            } else {
                // A second conversation in the same turn, and it was answered.
                let sent = try router.turn(router.publish(["2"], chat: "bob", text: "!2")).deliveries()
                try router.turn(router.written(sent.map(\.id)), router.submit("2"))
                try router.turn((api, router.call("reply", ["chat_id": "chat:bob", "text": "ok"], id: "r", from: api)))
                let key = try #require(router.core.outbox.parts.values.first?.commandKey)
                try router.turn(router.result(key, .sent(ids: ["m"])))
            }
            router.pass(10)
            let end = try router.turn(router.hook("Stop", stop("secret"), wantsAnswer: false))
            #expect(end.texts(to: chat) == ["api ended its turn without an answer."])
        }
    }

    @Test(arguments: [
        ("StopFailure", "could not finish its turn"), ("SessionEnd", "was closed before it answered"),
    ])
    func otherEndsAreToldAsWhatTheyAre(hook: String, words: String) throws {
        let router = try hooked()
        try see("1", in: router)
        let end = try router.turn(router.hook(hook, ["reason": "other"]))
        #expect(end.texts(to: chat).first?.contains(words) == true)
    }

    @Test func aProcessThatVanishedIsToldWhenItsTurnHasGoneSilent() throws {
        let router = try hooked()
        try see("1", in: router)
        try router.turn((api, .bye(Bye(code: "x", message: ""))))
        for _ in 0..<5 { #expect(try router.idle(10_000, "chat").texts(to: chat).isEmpty) }
        let end = try router.idle(10_000, "chat")
        #expect(end.texts(to: chat).first?.contains("gone silent") == true)
        #expect(router.core.leftAtWork.isEmpty)
    }

    // MARK: What senders read while they wait

    @Test func aDeafSessionIsToldOncePerConversationAndOutage() throws {
        let router = try hooked()
        try router.turn(router.publish(["1"], chat: "ann"), router.publish(["2"], chat: "bob"))
        try router.idle(15_000)
        let told = try router.idle(15_000)
        #expect(told.texts(to: chat).count == 2)
        #expect(told.texts(to: chat).allSatisfy { $0.contains("waiting: the session is not listening") })
        try router.turn(router.sentAll())
        #expect(try router.turn(router.publish(["3"], chat: "ann")).texts(to: chat).isEmpty)
        #expect(try router.turn(router.publish(["4"], chat: "eve")).texts(to: chat).count == 1)
        try router.turn(router.sentAll())
        // The same outage for a router that starts anew.
        try router.restart()
        try router.attachAdapter(next: 20, verbs: RouterFixture.verbs)
        try router.attachEndpoint(written: [1, 2])
        #expect(try router.turn(router.publish(["5"], chat: "ann")).texts(to: chat).isEmpty)
        // It listens again: the next outage is another one.
        try router.turn(router.submit("1"), router.submit("2"))
        router.pass(10)
        let rest = try router.turn(router.hook("Stop")).deliveries()
        #expect(rest.map(\.head.id) == ["3", "5", "4"])
        try router.turn(router.sentAll())
        try router.idle(15_000)
        #expect(try router.idle(15_000).texts(to: chat).count == 2)
    }

    @Test func whoWritesToNobodyLearnsItOnceAfterAMoment() throws {
        let router = try RouterFixture()
        try router.attachAdapter(verbs: RouterFixture.verbs)
        #expect(try router.turn(router.publish(["1"])).texts(to: chat).isEmpty)
        let told = try router.idle(TurnSettings.awayNotice, "chat")
        #expect(told.texts(to: chat).first?.contains("no Claude session is here") == true)
        try router.turn(router.sentAll())
        try router.turn(router.publish(["2"]))
        #expect(try router.idle(TurnSettings.awayNotice, "chat").texts(to: chat).isEmpty)
    }

    @Test func aRestartOfASessionIsNoOutage() throws {
        let router = try hooked()
        try router.turn(router.publish(["1"]))
        try router.turn((api, .bye(Bye(code: "x", message: ""))))
        try router.turn(router.publish(["2"]))
        router.pass(5_000)
        try router.attachEndpoint(instance: "instance-later")
        try router.turn(router.submit())
        #expect(try router.idle(10_000).texts(to: chat).isEmpty)
    }

    @Test func oneLineSaysHowLongTheSessionIsBusyAndIsEdited() throws {
        let router = try hooked()
        try router.turn(router.submit())
        let tool: JSONObject = ["tool_name": "Bash", "tool_use_id": "t", "tool_input": ["command": "swift test"]]
        try router.turn(router.hook("PreToolUse", tool))
        try router.turn(router.publish(["0"], chat: "bob"), router.publish(["1"], chat: "ann"))
        for _ in 0..<1 { #expect(try router.idle(10_000).to(chat).commands.isEmpty) }
        let lines = try router.idle(10_000).to(chat).commands
        #expect(
            Set(lines.compactMap(\.text)) == [
                "api busy: swift test; you are next", "api busy: swift test; one conversation is before you",
            ])
        #expect(lines.allSatisfy { $0.verb == "send" && $0.arguments["silent"] == true })
        try router.turn(router.sentAll())
        for _ in 0..<5 { #expect(try router.idle(10_000).to(chat).commands.isEmpty) }
        let edits = try router.idle(10_000).to(chat).commands
        #expect(edits.map(\.verb) == ["edit", "edit"])
        #expect(edits.compactMap(\.text).contains("api busy 1 min: swift test; you are next"))
        try router.turn(router.sentAll())
        router.pass(10)
        let end = try router.turn(router.hook("Stop"))
        #expect(end.deliveries().count == 2)
        #expect(end.texts(to: chat) == ["api took it up after 1 min.", "api took it up after 1 min."])
        #expect(router.core.notices.isEmpty)
    }

    @Test func whereNothingCanBeEditedTheLineIsSaidOnce() throws {
        let router = try hooked(verbs: ["send"])
        try router.turn(router.submit(), router.publish(["1"]))
        try router.turn(router.hook("PreToolUse", ["tool_use_id": "t"]))
        var texts: [String] = []
        for _ in 0..<20 {
            texts += try router.idle(10_000).texts(to: chat)
            try router.turn(router.sentAll())
        }
        #expect(texts == ["api busy: a tool; you are next"])
    }

    @Test func marksFollowTheStates() throws {
        let router = try hooked()
        let sent = try router.turn(router.publish(["1"]))
        #expect(sent.to(chat).commands.isEmpty, "nobody has seen it")
        #expect(try router.turn(router.written(sent.deliveries().map(\.id))).to(chat).commands.isEmpty)
        let seen = try router.turn(router.submit("1")).to(chat).commands
        #expect(seen.map(\.verb) == ["react", "typing"])
        #expect(seen[0].arguments == ["id": "1", "emoji": "👀"] && seen[1].arguments == ["on": true])
        try router.turn(router.hook("PreToolUse", ["tool_use_id": "t"]))
        var renewed: [PlatformCommand] = []
        for _ in 0..<30 { renewed += try router.idle(10_000).to(chat).commands }
        #expect(renewed.map(\.verb) == ["typing"])
        router.pass(10)
        let end = try router.turn(router.hook("Stop")).to(chat).commands
        #expect(Set(end.map(\.verb)) == ["react", "typing", "send"])
        #expect(end.first { $0.verb == "typing" }?.arguments == ["on": false])
    }

    @Test(arguments: DeliveryState.allCases) func theTableOfMarks(state: DeliveryState) {
        #expect(DeliveryMark(state, reason: nil, on: Abilities()) == nil, "what is not declared is not done")
        let all = Abilities(verbs: ["react", "typing"])
        let mark = DeliveryMark(state, reason: nil, on: all)
        switch state {
        case .waiting, .offered, .written: #expect(mark == nil, "a mark before the proof would be a lie")
        case .seen: #expect(mark?.reaction == "👀" && mark?.isTyping == true)
        case .passed: #expect(mark?.reaction == "👌" && mark?.isTyping == false)
        case .answered, .dead: #expect(mark?.reaction == "" && mark?.isTyping == nil)
        case .done: #expect(mark?.reaction == "" && mark?.isTyping == false)
        }
        #expect(DeliveryMark(.done, reason: "uncovered", on: all) == nil)
    }

    // MARK: /stop

    private func requestStop(_ router: RouterFixture) throws -> String {
        let id = try #require(router.core.labels["api"])
        let head = EventHead(id: "s", chat: "ann", sender: "local:0", authentication: .loopback, time: 0)
        let arrival = Arrival(
            delivery: WaitingDelivery(event: 99, source: 1, head: head, body: [], offers: 0),
            source: try #require(SourceName("chat")))
        return router.changeCore { $0.requestStop(of: id, by: arrival, router.now) }
    }

    @Test func stopIsCarriedOutAtTheNextToolAndSaidToHaveBeen() throws {
        let router = try hooked()
        #expect(try requestStop(router).contains("idle"))
        try see("1", chat: "bob", in: router)
        // The asker once wrote to the session himself.
        try router.turn(router.publish(["0"], chat: "ann"))
        #expect(try requestStop(router) == "api stops before its next tool.")
        let answer = try router.turn(router.hook("PreToolUse", ["tool_use_id": "t"], wantsAnswer: true))
        #expect(answer.to(api).hookAnswer?["continue"] == false)
        let end = try router.idle(SessionTurn.stopping)
        #expect(Set(end.texts(to: chat)) == ["api was stopped.", "api was stopped before it answered."])
        #expect(end.deliveries().map(\.head.id) == ["0"], "what waited goes on")
        #expect(try router.states(of: "1") == ["api": .done])
    }

    @Test func aStopThatWasNotHeardIsAskedForAgain() throws {
        let router = try hooked()
        try see("1", in: router)
        try router.turn((api, router.call("reply", ["chat_id": "chat:ann", "text": "ok"], id: "r", from: api)))
        try router.turn(router.sentAll())
        try router.turn(router.hook("PreToolUse", ["tool_use_id": "t", "tool_input": ["command": "sleep 99"]]))
        #expect(try requestStop(router).contains("runs sleep 99; that cannot be interrupted"))
        for number in 0..<3 {
            router.pass(1_000)
            let use: JSONObject = ["tool_use_id": .string("u\(number)")]
            let answer = try router.turn(router.hook("PreToolUse", use, wantsAnswer: true))
            #expect(answer.to(api).hookAnswer?["continue"] == false)
        }
        router.pass(1_000)
        let end = try router.turn(router.hook("Stop", wantsAnswer: true))
        #expect(end.texts(to: chat).first?.contains("by itself") == true)
    }

    @Test func whatHasNoHooksOrIsNotThereIsSaidToBeSo() throws {
        let router = try RouterFixture()
        try router.attachAdapter(verbs: RouterFixture.verbs)
        try router.attachReadyEndpoint()
        #expect(try requestStop(router).contains("has no hooks"))
        try router.turn((api, .bye(Bye(code: "x", message: ""))))
        #expect(try requestStop(router).contains("not running"))
    }
}

extension PlatformCommand {
    fileprivate var text: String? { arguments["text"]?.stringValue }
}

extension [Effects.Outgoing] {
    /// What is said in chats.
    func texts(to link: LinkID) -> [String] { to(link).commands.compactMap { $0.arguments["text"]?.stringValue } }
}

extension [RouterMessage] {
    /// What Claude Code is told by a hook.
    var hookAnswer: JSONValue? {
        for answer in answers {
            if case .success(let value) = answer.outcome { return value }
        }
        return nil
    }
}
