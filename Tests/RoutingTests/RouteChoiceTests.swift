import AccessControl
import BusProtocol
import ChannelEvents
import JSON
import MessageStore
import Testing

@testable import MessageBus
@testable import Routing

@Suite("How a session is chosen")
struct RouteChoiceTests {
    @Test func anAnswerToASessionsMessageGoesToThatSession() throws {
        let chat = try RouteFixture(sessions: ["api", "web"])
        try chat.say("/use api")
        try chat.say("one")
        let sent = try chat.reply("api", "done", id: "c1")
        try chat.say("/use web")
        #expect(try chat.holders(try chat.say("and this?", replyTo: sent)) == ["api"])
        #expect(try chat.holders(try chat.say("and that?", replyTo: "unknown")) == ["web"])
        // It outlives the router.
        try chat.restart(["api", "web"])
        #expect(try chat.holders(try chat.say("still?", replyTo: sent)) == ["api"])
    }

    @Test func theSecondSessionThatSpeaksMakesLabelsNecessary() throws {
        let chat = try RouteFixture(sessions: ["api", "web"])
        try chat.say("/use api")
        try chat.say("one")
        _ = try chat.reply("api", "first", id: "c1")
        #expect(chat.lastText == "first")
        try chat.say("/use web")
        try chat.say("two")
        _ = try chat.reply("web", "second", id: "c2")
        #expect(chat.lastText == "web: second")
        _ = try chat.reply("api", "third", id: "c3")
        #expect(chat.lastText == "api: third")
    }

    @Test func inAGroupTheLabelFollowsTheBotsName() throws {
        let chat = try RouteFixture(
            settings: try Self.group(allow: ["7"], approvers: ["7"]), sessions: ["api", "web"])
        func says(_ text: String, _ flags: EventFlags = []) throws -> Set<String> {
            try chat.holders(
                try chat.say(text, in: "g", sender: "7", authentication: .platform, flags: flags))
        }
        try chat.say("/use api", in: "g", sender: "7", authentication: .platform)
        #expect(try says("@bot web: look", .mention) == ["web"])
        #expect(try says("<@12> WEB: look", .mention) == ["web"])
        #expect(try says("@bot web look", .mention) == ["api"])
        #expect(try says("plain") == ["api"])
        #expect(try says("@web look") == ["web"])
        // A command after a mention, too.
        try chat.say("@bot /where", in: "g", sender: "7", authentication: .platform, flags: .mention)
        #expect(chat.lastText.contains("goes to api"))
    }

    @Test func aButtonIsTheAnswerAndReplacesTheQuestion() throws {
        let chat = try RouteFixture(verbs: ["send", "edit", "respond"], sessions: ["api", "web"])
        let first = try chat.say()
        let question = try #require(chat.said.last)
        let buttons = (question.arguments["buttons"]?.arrayValue ?? []).compactMap { $0.arrayValue?.first }
        #expect(buttons.map { $0["label"]?.stringValue } == ["api", "web"])
        let action = try #require(buttons.last?["action"]?.stringValue)
        #expect(action.utf8.count <= 64)
        try chat.say("", replyTo: "m1", kind: .callback, action: action)
        let edit = try #require(chat.said.last)
        #expect(edit.verb == "edit" && edit.arguments["id"] == "m1")
        #expect(edit.arguments["buttons"] == nil)
        #expect(try chat.holders(first) == ["web"])
    }

    @Test(arguments: ["web", "2", "Web"])
    func aNumberOrANameAloneAnswersTheQuestion(_ answer: String) throws {
        let chat = try RouteFixture(features: [], sessions: ["api", "web"])
        let first = try chat.say()
        #expect(chat.said.last?.arguments["buttons"] == nil)
        try chat.say(answer)
        #expect(chat.lastText.contains("goes to web"))
        #expect(try chat.holders(first) == ["web"])
        // With no question open it is text.
        #expect(try chat.holders(try chat.say(answer)) == ["web"])
    }

    @Test func labelsAreTypedInAnyCase() throws {
        let chat = try RouteFixture(sessions: ["api", "Web"])
        #expect(try chat.holders(try chat.say("@wEB look")) == ["Web"])
        try chat.say("/Use API")
        #expect(chat.lastText.contains("goes to api"))
        // Two folders that differ in case only get labels that can be told apart.
        try chat.router.attachEndpoint("API", instance: "other", parent: 9, project: "/src/other/API")
        #expect(chat.router.core.labels.keys.contains("api-2"))
    }

    // MARK: Configured routes

    @Test func aRouteForAllGivesToEachAndOneForHoldToNobody() throws {
        let settings = RouterSettings(routes: [
            RouteRule(kind: .alert, to: .all(["api", "web"])), RouteRule(text: MentionPattern("later"), to: .hold),
            RouteRule(thread: "7", to: .session("web")), RouteRule(sender: "9", to: .all([])),
        ])
        let chat = try RouteFixture(settings: settings, sessions: ["api"])
        let alert = try chat.say(kind: .alert)
        #expect(try chat.router.states(of: alert) == ["api": .offered, "web": .waiting])
        let held = try chat.say("do it LATER", in: "bob")
        #expect(try chat.holders(held) == [""])
        #expect(chat.said.isEmpty)
        #expect(try chat.holders(try chat.say(thread: "7")) == ["web"])
        try chat.attach("web")
        try chat.attach("ops")
        #expect(try chat.router.states(of: alert)["web"] == .offered)
        #expect(try chat.holders(held) == [""])
        #expect(try chat.holders(try chat.say(in: "c", sender: "9")) == ["api", "web", "ops"])
        try chat.say("/use ops", in: "bob")
        #expect(try chat.holders(held) == ["ops"])
    }

    @Test func theFirstIdleGetsIt() throws {
        let settings = RouterSettings(routes: [RouteRule(to: .firstIdle(["api", "web", "ops"]))])
        let chat = try RouteFixture(settings: settings)
        // Nobody is here: the first keeps it.
        #expect(try chat.holders(try chat.say()) == ["api"])
        try chat.attach("web")
        try chat.attach("ops")
        #expect(try chat.holders(try chat.say()) == ["web"])
        // What it has not written yet keeps it busy.
        #expect(try chat.holders(try chat.say()) == ["ops"])
        #expect(try chat.holders(try chat.say()) == ["web"])
    }

    @Test func aBindingStandsBeforeARouteAndTakesWhatWaitsForIt() throws {
        let settings = RouterSettings(routes: [RouteRule(source: SourceName("chat"), to: .session("db"))])
        let chat = try RouteFixture(settings: settings, sessions: ["api"])
        let first = try chat.say()
        let other = try chat.say(in: "bob")
        #expect(try chat.holders(first) == ["db"])
        try chat.say("/use api")
        #expect(try chat.router.states(of: first) == ["api": .offered])
        #expect(try chat.holders(other) == ["db"])
        #expect(chat.router.core.sessions.values.first { $0.record.label == "db" }?.mailbox.count == 1)
    }

    @Test func whatIsUrgentIsSaidByARoute() throws {
        let settings = RouterSettings(routes: [
            RouteRule(sender: "42", to: nil, isUrgent: true), RouteRule(kind: .alert, to: .session("api")),
        ])
        let chat = try RouteFixture(settings: settings, sessions: ["api"])
        func arrival(_ sender: String) throws -> Arrival {
            let head = EventHead(id: "1", chat: "c", sender: sender, time: 0)
            let delivery = WaitingDelivery(event: 1, source: 1, head: head, body: EventBody(text: "").json, offers: 0)
            return Arrival(delivery: delivery, source: try #require(SourceName("chat")))
        }
        #expect(chat.router.core.isUrgent(try arrival("42")))
        #expect(!chat.router.core.isUrgent(try arrival("7")))
    }

    @Test func aBusySessionHandsOverWhatItHoldsInOrderAndInOneTransaction() throws {
        let router = try RouterFixture()
        try router.attachAdapter()
        try router.attachHookedEndpoint("api")
        try router.attachReadyEndpoint("web")
        try router.turn(router.publish(["u"], text: "/use api"))
        try router.turn(router.submit(by: "api"))
        for id in ["1", "2", "3"] { try router.turn(router.publish([id])) }
        try router.turn(router.publish(["other"], chat: "bob", text: "@api hello"))
        #expect(try router.states(of: "2") == ["api": .waiting])
        // The commit fails: nothing has moved.
        try router.failingTurn([router.publish(["x"], text: "/use web")])
        #expect(try router.states(of: "2") == ["api": .waiting])
        try router.attachAdapter(next: 20)
        try router.attachReadyEndpoint("web")
        let sent = try router.turn(router.publish(["y"], text: "/use web"))
        #expect(sent.deliveries(to: "web").map(\.head.id) == ["1", "2", "3"])
        #expect(try router.states(of: "2") == ["web": .offered])
        #expect(router.core.sessions.values.first { $0.record.label == "api" }?.mailbox.count == 1)
    }

    @Test func aQuestionThatCouldNotBePutIsPutAgain() throws {
        let router = try RouterFixture()
        try router.attachAdapter()
        for label in ["api", "web"] { try router.attachReadyEndpoint(label) }
        let chat = RouterFixture.link("chat")
        let first = try #require(try router.turn(router.publish(["1"])).to(chat).commands.first)
        try router.turn(router.result(first.key, .rejected(reason: "too long")))
        let second = try router.turn(router.publish(["2"])).to(chat).commands
        #expect(second.first?.arguments["text"]?.stringValue?.contains("Which session") == true)
        let chosen = try router.turn(router.publish(["3"], text: "/use web"))
        #expect(chosen.deliveries(to: "web").map(\.head.id) == ["1", "2"])
    }

    // MARK: Commands

    @Test(
        arguments: [
            ("/help", .help), ("/start", .help), ("/Start", .help), ("/status@bot", .status), ("/use", .sessions),
            ("/use api", .use("api")), ("/use@bot  api ", .use("api")), ("/start api", .start("api")),
            ("/new", .start(nil)), ("/new api", .start(nil)), ("/stop", .stop), ("/stop it now", nil), ("/foo", nil),
            ("use api", nil), ("/use api now", nil), ("/", nil), ("", nil), ("//help", nil), ("/why", .why),
            ("/inbox", .inbox), ("/where", .whereAmI), ("/sessions", .sessions), (" /help", .help),
        ] as [(String, ChatCommand?)])
    func commands(_ text: String, _ expected: ChatCommand?) {
        #expect(ChatCommand(text) == expected)
    }

    @Test func inboxTellsWhatWaitsHere() throws {
        let chat = try RouteFixture(sessions: ["api", "web"])
        try chat.say("/inbox")
        #expect(chat.lastText == "Nothing waits here.")
        try chat.say()
        try chat.say("/inbox")
        #expect(chat.lastText.contains("1 waiting until a session is chosen"))
        try chat.say("/use web")
        try chat.leave("web")
        try chat.say("two")
        try chat.say("three")
        try chat.say("elsewhere", in: "bob")
        chat.router.pass(120_000)
        try chat.say("/inbox")
        #expect(chat.lastText == "2 waiting for web (away), the oldest for 2 min")
    }

    @Test func whyIsForApproversAndTellsTheRule() throws {
        let chat = try RouteFixture(settings: try Self.group(allow: ["7"], approvers: ["42"]), sessions: ["api"])
        let id = try chat.say(in: "g", sender: "7", authentication: .platform)
        func asks(_ sender: String, _ replyTo: String?) throws -> String {
            try chat.say("/why", in: "g", sender: sender, authentication: .platform, replyTo: replyTo)
            return chat.lastText
        }
        #expect(try asks("7", id).contains("for approvers"))
        let told = try asks("42", id)
        #expect(told.contains("listed") && told.contains("on its way to api"))
        #expect(try asks("42", "nothing").contains("know nothing"))
        #expect(try asks("42", nil).contains("Answer a message"))
        let sent = try chat.reply("api", "done", to: "g", id: "c1")
        #expect(try asks("42", sent).contains("api sent it"))
    }

    @Test func whatCannotBeDoneIsSaidPlainly() throws {
        let chat = try RouteFixture(sessions: ["api"])
        for text in ["/start web", "/new"] {
            let id = try chat.say(text)
            #expect(chat.lastText.contains("cannot start"))
            #expect(try chat.holders(id).isEmpty)
        }
    }

    private static func group(allow: Set<String>, approvers: Set<String>) throws -> RouterSettings {
        let policy = SourcePolicy(
            allow: allow, approvers: approvers, groups: ["g": GroupPolicy(requiresMention: false)])
        return RouterSettings(access: AccessPolicy(sources: [try #require(SourceName("chat")): policy]))
    }

    // MARK: Operators

    @Test func anOperatorBindsAndTakesItBack() throws {
        let chat = try RouteFixture(sessions: ["api", "web"])
        let first = try chat.say()
        let bound = try chat.ask("routes.bind", ["conversation": "chat:ann", "session": "web"])
        guard case .success(let value) = bound else { throw Unexpected(outcome: bound) }
        #expect(value["session"] == "web" && value["state"] == "ready")
        #expect(try chat.holders(first) == ["web"])
        guard case .success(let list) = try chat.ask("routes.list") else { return }
        #expect(list["bindings"] == [["conversation": "chat:ann", "session": "web"]])
        #expect(list["asked"] == [])
        _ = try chat.ask("routes.unbind", ["conversation": "chat:ann"])
        try chat.restart(["api", "web"])
        // What was used last stays.
        #expect(try chat.holders(try chat.say()) == ["web"])
        guard
            case .failure(let code, _) = try chat.ask(
                "routes.bind", ["conversation": "chat:ann", "session": "nobody"])
        else { throw Unexpected(outcome: bound) }
        #expect(code == "not-found")
    }

    struct Unexpected: Error { var outcome: Answer.Outcome? }

    @Test func whatIsHeldIsCountedShownAndKept() throws {
        let chat = try RouteFixture(sessions: ["api", "web"])
        let id = try chat.say()
        #expect(try chat.router.store.read { try $0.waitingCount(of: heldSession) } == 1)
        #expect(try chat.router.states(of: id) == ["": .waiting])
        let retention = RetentionPeriods(text: 1, identity: 1)
        try chat.router.store.turn { turn in
            _ = try turn.retain(retention, from: 0, rows: 100, now: chat.router.now.wall + 1_000_000)
        }
        try chat.say("/use api")
        #expect(try chat.router.history().first { $0.head.id == id }?.body != nil)
        #expect(try chat.holders(id) == ["api"])
    }

    @Test func whoSentWhatIsForgottenWithItsTime() throws {
        let chat = try RouteFixture(sessions: ["api"])
        try chat.say()
        let sent = try chat.reply("api", "done", id: "c1")
        func isKnown() throws -> Bool {
            try chat.router.store.turn { try $0.speaker(of: sent, source: 1, chat: "ann") } != nil
        }
        #expect(try isKnown())
        for later in [1_000, 3_000] as [Int64] {
            try chat.router.store.turn { turn in
                _ = try turn.retain(
                    RetentionPeriods(text: 1_000, identity: 1_000), from: 0, rows: 10, now: chat.router.now.wall + later
                )
            }
            #expect(try isKnown() == (later < 2_000))
        }
    }
}

/// What a handshake is worth, sentence by sentence of the rule.
@Suite("A handshake is not a session") struct HandshakeTests {
    @Test func whoOnlyShookHandsIsNobodysDefaultWhileAProvedSessionIsHere() throws {
        let chat = try RouteFixture(sessions: ["api"])
        try chat.router.attachEndpoint("ghost", parent: 2)
        try chat.pass(4_000, ["api", "ghost"])
        let first = try chat.say()
        #expect(try chat.holders(first) == ["api"])
        #expect(chat.said.isEmpty)
        // Alone it is better than nobody.
        try chat.leave("api")
        #expect(try chat.holders(try chat.say(in: "bob")) == ["ghost"])
        // One that is gone and never was one is no choice to offer.
        try chat.leave("ghost")
        try chat.router.attachEndpoint("passing", parent: 3)
        try chat.leave("passing")
        try chat.say("/sessions", in: "cy")
        #expect(chat.lastText.contains("api (away)") && !chat.lastText.contains("passing"))
    }

    @Test func nothingIsGivenBeforeItSettledUnlessAHookArrives() throws {
        let chat = try RouteFixture()
        try chat.router.attachEndpoint("api")
        let first = try chat.say()
        #expect(try chat.holders(first) == [""])
        try chat.pass(2_000, ["api"])
        #expect(chat.offered.isEmpty)
        try chat.pass(2_000, ["api"])
        #expect(chat.offered.map(\.event) == [first])
    }

    /// Process 1 runs as long as the machine does; the other number is nobody's.
    @Test(
        arguments: [
            (1, 1, "api"), (1, 77, "api-2"), (Int64(Int32.max), 77, "api"),
        ] as [(Int64, Int64, String)])
    func aNewConnectionReplacesTheOldOneOfTheSameOrAGoneProcess(
        _ old: Int64, _ new: Int64, _ expected: String
    ) throws {
        let router = try RouterFixture()
        let one = RouterFixture.link("one")
        let two = RouterFixture.link("two")
        try router.attachEndpoint("api", link: one, instance: "first", parent: old)
        let answers = try router.attachEndpoint("api", link: two, instance: "second", parent: new)
        #expect(answers.welcome?.name == expected)
    }

    @Test func aLabelStaysWithItsFolder() throws {
        let router = try RouterFixture()
        func attach(_ instance: String, _ project: String, parent: Int64) throws -> String? {
            try router.attachEndpoint(
                "api", link: RouterFixture.link(instance), instance: instance, parent: parent, project: project
            ).welcome?.name
        }
        #expect(try attach("a", "/one/api", parent: 1) == "api")
        #expect(try attach("b", "/two/api", parent: 1) == "api-2")
        try router.restart()
        // In the other order, and by other processes.
        #expect(try attach("c", "/two/api", parent: 1) == "api-2")
        #expect(try attach("d", "/one/api", parent: 1) == "api")
        // A second one in the same folder gets a label of its own, and it stays as well.
        #expect(try attach("e", "/one/api", parent: 2) == "api-3")
    }

    @Test func whoCannotBeAskedHasAnOwnerWhoCan() throws {
        let source = try #require(SourceName("chat"))
        let address = Address(source: source, id: "42")
        let policy = AccessPolicy(
            sources: [source: SourcePolicy(allow: ["42"], approvers: ["42"])],
            people: [Person(name: "ann", isOwner: true, addresses: [address])])
        let chat = try RouteFixture(settings: RouterSettings(access: policy), sessions: ["api", "web"])
        try chat.say("/use api", in: "dm", sender: "42", authentication: .platform, flags: .direct)
        // A source that sends nothing: its messages are asked about elsewhere.
        let feed = RouterFixture.link("feed")
        try chat.router.attachAdapter("feed", verbs: [])
        let asked = try chat.router.turn(chat.router.publish(["f1"], chat: "ci", from: "feed"))
        let question = try #require(asked.to(RouterFixture.link("chat")).commands.first)
        #expect(question.chat == "dm" && question.arguments["text"]?.stringValue?.contains("feed:ci") == true)
        let action = try #require(
            question.arguments["buttons"]?.arrayValue?.last?.arrayValue?.first?["action"]?.stringValue)
        try chat.turn(chat.router.result(question.key, .sent(ids: ["q"])))
        // A press by somebody else says nothing.
        try chat.say("", in: "x", sender: "local:0", replyTo: "q", kind: .callback, action: action)
        #expect(try chat.holders("f1") == [""])
        try chat.say(
            "", in: "dm", sender: "42", authentication: .platform, flags: .direct, replyTo: "q", kind: .callback,
            action: action)
        #expect(try chat.holders("f1") == ["web"])
        #expect(feed != RouterFixture.link("chat"))
    }
}
