import AccessControl
import BusProtocol
import ChannelEvents
import JSON
import MessageStore
import Testing

@testable import Routing

/// A prompt, its cards, its verdict: on the real core and the real store.
struct RelayTests {
    @Test func aPromptBecomesCardsAndATapItsVerdict() throws {
        let relay = try RelayFixture()
        try relay.ask()
        let (message, card) = try relay.card(of: "ann")
        #expect(card.text.contains("api asks for leave: Bash"))
        #expect(card.text.contains("swift test"))
        #expect(card.text.contains("yes abcde"))
        #expect(relay.cards(of: "bob").count == 1)
        #expect(relay.cards(of: "eve").isEmpty)
        let allow = try #require(card.buttons["Allow"])
        #expect(try relay.press(allow, of: message, by: "ann") == "Allowed: Bash.")
        #expect(relay.verdicts["api"] == [Verdict(request: "abcde", allow: true)])
        // Every card says who decided, where and when, and can be pressed no more.
        for person in ["ann", "bob"] {
            let text = try #require(relay.texts(in: "d-\(person)").last)
            #expect(text.contains("Allowed by ann (chat:ann) in chat:d-ann at"))
            #expect(relay.cards(of: person).isEmpty)
        }
        // Nothing of it reached Claude as a message, and the tap that comes too late is told so.
        #expect(relay.deliveries.isEmpty)
        let late = try relay.press(allow, of: message, by: "bob", in: "d-bob", flags: .direct)
        #expect(late == "This button belongs to no card here.")
        #expect(try relay.press(allow, of: message, by: "ann")?.hasPrefix("Already decided. Allowed by ann") == true)
        #expect(relay.verdicts["api"]?.count == 1)
        #expect(try relay.auditKinds().suffix(3) == ["prompt-asked", "verdict", "verdict-refused"])
    }

    @Test func theFirstAnswerWins() throws {
        let relay = try RelayFixture()
        try relay.ask()
        let ann = try relay.card(of: "ann")
        let bob = try relay.card(of: "bob")
        #expect(try relay.press(try #require(bob.card.buttons["Deny"]), of: bob.id, by: "bob") == "Denied: Bash.")
        let late = try relay.press(try #require(ann.card.buttons["Allow"]), of: ann.id, by: "ann")
        #expect(late?.hasPrefix("Already decided. Denied by chat:bob") == true)
        #expect(relay.verdicts["api"] == [Verdict(request: "abcde", allow: false)])
    }

    @Test func withoutButtonsAndEditsWordsDo() throws {
        let relay = try RelayFixture(abilities: RelayFixture.plain)
        try relay.ask()
        let card = try #require(relay.texts(in: "d-ann").last)
        #expect(card.contains("Answer: yes abcde, or no abcde."))
        try relay.say(" Yes  ABCDE \n", from: "ann")
        #expect(relay.verdicts["api"] == [Verdict(request: "abcde", allow: true)])
        // A platform that cannot change a message is told in a new one.
        #expect(relay.texts(in: "d-bob").last?.contains("Allowed by ann (chat:ann)") == true)
        try relay.say("no abcde", from: "bob")
        #expect(relay.texts(in: "d-bob").last?.hasPrefix("Already decided. Allowed by ann") == true)
        #expect(relay.verdicts["api"]?.count == 1)
        #expect(relay.deliveries.isEmpty)
    }

    @Test func aVerdictIsSaidUntilItIsWritten() throws {
        let relay = try RelayFixture()
        try relay.ask()
        try relay.say("yes abcde", from: "ann")
        #expect(relay.verdicts["api"]?.count == 1)
        // The router crashes before the endpoint said that it wrote it.
        try relay.restart()
        try relay.attach(next: 100)
        let again = try relay.router.attachEndpoint("api")
        #expect(again.verdicts == [Verdict(request: "abcde", allow: true)])
        try relay.wrote()
        try relay.restart()
        try relay.attach(next: 200)
        #expect(try relay.router.attachEndpoint("api").verdicts.isEmpty)
    }

    @Test func aCardLivesOverARestart() throws {
        let relay = try RelayFixture()
        try relay.ask()
        let (message, card) = try relay.card(of: "ann")
        try relay.restart()
        try relay.attach(next: 100)
        try relay.router.attachEndpoint("api")
        #expect(try relay.press(try #require(card.buttons["Allow"]), of: message, by: "ann") == "Allowed: Bash.")
        #expect(relay.verdicts["api"] == [Verdict(request: "abcde", allow: true)])
        #expect(relay.shown[message]?.text.contains("Allowed by ann") == true)
        try relay.restart()
        try relay.attach(next: 200)
        let late = try relay.press(try #require(card.buttons["Deny"]), of: message, by: "ann")
        #expect(late?.hasPrefix("Already decided. Allowed by ann") == true)
    }

    @Test func twoSessionsWithTheSameRequestDoNotMix() throws {
        let relay = try RelayFixture()
        try relay.session("web")
        try relay.ask(in: "api")
        try relay.ask(input: ["command": "rm -rf /tmp/web"], in: "web")
        let cards = relay.cards(of: "ann")
        let web = try #require(cards.first { $0.card.text.contains("web asks for leave") })
        #expect(cards.count == 2)
        // The second one has a code of its own.
        #expect(!web.card.text.contains("yes abcde"))
        try relay.press(try #require(web.card.buttons["Deny"]), of: web.id, by: "ann")
        #expect(relay.verdicts["web"] == [Verdict(request: "abcde", allow: false)])
        #expect(relay.verdicts["api"] == nil)
        try relay.say("yes abcde", from: "ann")
        #expect(relay.verdicts["api"] == [Verdict(request: "abcde", allow: true)])
        #expect(relay.verdicts["web"]?.count == 1)
    }

    @Test func twoPromptsOfOneSessionDoNotMix() throws {
        let relay = try RelayFixture()
        try relay.ask("abcde")
        try relay.ask("fghij", input: ["command": "git push"])
        try relay.say("no fghij", from: "ann")
        try relay.say("yes abcde", from: "ann")
        #expect(
            relay.verdicts["api"] == [
                Verdict(request: "fghij", allow: false), Verdict(request: "abcde", allow: true),
            ])
    }

    @Test func theSameRequestAskedAgainIsAnotherPrompt() throws {
        let relay = try RelayFixture()
        try relay.ask()
        let old = try relay.card(of: "ann")
        try relay.ask(input: ["command": "git push --force"])
        let new = try relay.card(of: "ann")
        #expect(new.id != old.id)
        let stale = try relay.press(try #require(old.card.buttons["Allow"]), of: old.id, by: "ann")
        #expect(stale?.hasPrefix("Already decided.") == true)
        #expect(relay.verdicts["api"] == nil)
        // The very same one again, after a router that lost its acknowledgement, is no second prompt.
        try relay.ask(input: ["command": "git push --force"])
        #expect(relay.cards(of: "ann").count == 1)
    }

    @Test func whoeverWaitsReadsSinceWhen() throws {
        let relay = try RelayFixture()
        let event = try relay.say("run the tests", from: "eve")
        try relay.hook("UserPromptSubmit", ["events": [.string(event)]])
        try relay.ask()
        try relay.pass(301)
        let waiting = try #require(relay.texts(in: "d-eve").last)
        #expect(waiting.contains("api waits for approval since"))
        // Whoever waits reads no command.
        #expect(!waiting.contains("swift test"))
        #expect(try relay.card(of: "ann").card.text.contains("Before it asked, this turn read: chat:eve in chat:d-eve"))
        try relay.say("yes abcde", from: "ann")
        #expect(relay.texts(in: "d-eve").last?.contains("api goes on: approved at") == true)
        #expect(relay.texts(in: "d-eve").count == 1)
    }

    @Test func aPromptThatNobodyCanAnswerIsTold() throws {
        let relay = try RelayFixture()
        let event = try relay.say("run the tests", from: "eve")
        try relay.hook("UserPromptSubmit", ["events": [.string(event)]])
        for id in ["ann", "bob"] {
            _ = try relay.ask("access.approver", ["source": "chat", "id": .string(id), "listed": false])
        }
        try relay.ask()
        try relay.pass(301)
        #expect(relay.texts(in: "d-eve").last?.contains("switchboard access approver add") == true)
        #expect(try relay.auditKinds().contains("prompt-unreachable"))
        // As soon as there is one, the card goes out.
        _ = try relay.ask("access.approver", ["source": "chat", "id": "bob", "listed": true])
        try relay.pass(10)
        #expect(relay.cards(of: "bob").count == 1)
        #expect(relay.texts(in: "d-eve").last?.contains("waits for approval since") == true)
    }

    // MARK: Ends

    @Test func whatShowsThatItWasAnsweredAtTheTerminal() throws {
        let relay = try RelayFixture()
        func isOpen() throws -> Bool { try relay.status()["prompts"]?.arrayValue?.isEmpty == false }
        try relay.askWithHooks("aaaaa", use: "toolu_1")
        #expect(try isOpen())
        // Another tool's end says nothing.
        try relay.hook("PostToolUse", ["tool_name": "Bash", "tool_use_id": "toolu_9"])
        #expect(try isOpen())
        try relay.hook("PostToolUse", ["tool_name": "Bash", "tool_use_id": "toolu_1"])
        #expect(try !isOpen())
        #expect(relay.texts(in: "d-ann").last?.contains("Answered at the terminal") == true)
        relay.router.pass(5_000)

        try relay.askWithHooks("bbbbb", use: "toolu_2")
        // It began before the prompt and was only heard later.
        try relay.hook("UserPromptSubmit", at: relay.router.now.wall - 100)
        #expect(try isOpen())
        try relay.hook("UserPromptSubmit", at: relay.router.now.wall + 1)
        #expect(try !isOpen())

        try relay.askWithHooks("ccccc", use: "toolu_3")
        try relay.hook("SessionEnd", ["reason": "clear"])
        #expect(try isOpen())
        try relay.hook("SessionEnd", ["reason": "prompt_input_exit"])
        #expect(try !isOpen())
        #expect(relay.verdicts["api"] == nil)
        #expect(try relay.audit().count { $0.entry.kind == "prompt-ended" } == 3)
    }

    @Test func itEndsWithItsSession() throws {
        let relay = try RelayFixture()
        try relay.ask()
        let link = RouterFixture.link("api")
        try relay.turn([(link, .bye(Bye(code: "session-ended", message: "closed")))])
        #expect(relay.texts(in: "d-ann").last?.contains("the session ended") == true)
        try relay.say("yes abcde", from: "ann")
        #expect(relay.verdicts["api"] == nil)
        #expect(relay.texts(in: "d-ann").last?.hasPrefix("Already decided. No longer open") == true)
    }

    @Test func aNewProcessOfTheSessionNeverGetsTheOldAnswer() throws {
        let relay = try RelayFixture()
        try relay.ask()
        relay.router.now.uptime += 1
        let first = try relay.router.attachEndpoint(
            "api", link: RouterFixture.link("api-2"), instance: "another-process")
        #expect(first.welcome != nil)
        try relay.say("yes abcde", from: "ann")
        #expect(relay.verdicts.isEmpty)
    }

    @Test func aSessionThatIsAwayLosesItsPromptsAfterAWhile() throws {
        let relay = try RelayFixture()
        try relay.ask()
        try relay.restart()
        try relay.attach(next: 100)
        try relay.pass(59_000)
        #expect(try relay.status()["prompts"]?.arrayValue?.count == 1)
        try relay.pass(1_001)
        #expect(try relay.status()["prompts"]?.arrayValue?.isEmpty == true)
    }

    // MARK: Limits

    @Test func atItsLimitItIsAskedAgainAndRings() throws {
        let relay = try RelayFixture(permissions: PermissionSettings(limit: 60_000))
        try relay.ask()
        let old = try relay.card(of: "ann")
        try relay.pass(5_000)
        try relay.pass(55_000)
        let new = try relay.card(of: "ann")
        #expect(new.id != old.id)
        #expect(relay.shown[old.id]?.text.contains("Asked again below") == true)
        #expect(new.card.text.contains("Open since"))
        // The old message's button still means this prompt; the new one's does, too.
        #expect(try relay.press(try #require(new.card.buttons["Allow"]), of: new.id, by: "ann") == "Allowed: Bash.")
        #expect(relay.shown[new.id]?.text.contains("Allowed by ann") == true)
    }

    @Test func escalationAsksTheOwnerFirst() throws {
        let relay = try RelayFixture(permissions: PermissionSettings(onTimeout: .escalate, limit: 60_000))
        try relay.ask()
        #expect(relay.cards(of: "ann").count == 1)
        #expect(relay.cards(of: "bob").isEmpty)
        try relay.pass(60_000)
        #expect(relay.cards(of: "ann").count == 1)
        #expect(relay.cards(of: "bob").count == 1)
        #expect(try relay.auditKinds().contains("prompt-escalated"))
        // Nobody is left: both are rung again.
        try relay.pass(120_000)
        #expect(relay.texts(in: "d-bob").contains { $0.contains("Asked again below") })
    }

    @Test func denialAtTheLimit() throws {
        let relay = try RelayFixture(permissions: PermissionSettings(onTimeout: .deny, limit: 60_000))
        try relay.ask()
        try relay.pass(60_000)
        #expect(relay.verdicts["api"] == [Verdict(request: "abcde", allow: false)])
        #expect(relay.texts(in: "d-ann").last?.contains("nobody answered in time") == true)
    }

    @Test func aTurnOfTheTerminalWaitsThereFirst() throws {
        let relay = try RelayFixture(permissions: PermissionSettings(cardDelay: 20_000))
        try relay.hook("UserPromptSubmit", ["events": []])
        try relay.ask()
        try relay.pass(19_000)
        #expect(relay.cards(of: "ann").isEmpty)
        try relay.pass(1_000)
        #expect(relay.cards(of: "ann").count == 1)
        // A message's turn does not.
        try relay.hook("Stop")
        let event = try relay.say("push it", from: "eve")
        try relay.hook("UserPromptSubmit", ["events": [.string(event)]])
        try relay.askWithHooks("fghij", input: ["command": "git push"])
        #expect(relay.cards(of: "ann").contains { $0.card.text.contains("git push") })
    }

    @Test func twoPeopleMustAllowWhatIsListed() throws {
        let source = try #require(SourceName("chat"))
        let ann = Person(
            name: "ann", isOwner: true,
            addresses: [Address(source: source, id: "ann"), Address(source: source, id: "bob")])
        let relay = try RelayFixture(permissions: PermissionSettings(twoPerson: ["Bash"]))
        try relay.ask()
        #expect(try relay.card(of: "bob").card.text.contains("It takes two people"))
        try relay.say("yes abcde", from: "ann")
        #expect(relay.verdicts["api"] == nil)
        #expect(try relay.card(of: "bob").card.text.contains("1 of 2: ann allowed it"))
        try relay.say("yes abcde", from: "ann")
        #expect(relay.verdicts["api"] == nil)
        try relay.say("yes abcde", from: "bob")
        #expect(relay.verdicts["api"] == [Verdict(request: "abcde", allow: true)])

        // One person with two addresses is still one.
        let alone = try RelayFixture(permissions: PermissionSettings(twoPerson: ["Bash"]), people: [ann])
        try alone.ask()
        try alone.say("yes abcde", from: "ann")
        try alone.say("yes abcde", from: "bob")
        #expect(alone.verdicts["api"] == nil)
        try alone.say("no abcde", from: "bob")
        #expect(alone.verdicts["api"] == [Verdict(request: "abcde", allow: false)])
    }

    @Test func aGroupShowsTheCardOnlyWhereItIsOptedIn() throws {
        let here = try #require(Conversation("chat:g1"))
        let group = GroupPolicy(requiresMention: false)
        let relay = try RelayFixture(
            permissions: PermissionSettings(cardsHere: [here]), groups: ["g1": group, "g2": group])
        for chat in ["g1", "g2"] {
            let event = try relay.say("deploy", from: "eve", in: chat)
            try relay.hook("Stop")
            try relay.hook("UserPromptSubmit", ["events": [.string(event)]])
            try relay.askWithHooks(chat == "g1" ? "aaaaa" : "bbbbb", input: ["command": .string("deploy \(chat)")])
        }
        #expect(relay.texts(in: "g1").contains { $0.contains("deploy g1") })
        #expect(relay.texts(in: "g2").allSatisfy { !$0.contains("│ deploy g2") && $0.contains("waits for approval") })
        // There, too, only an approver's id counts.
        let message = try #require(
            relay.order.last { relay.shown[$0]?.chat == "g1" && relay.shown[$0]?.buttons.isEmpty == false })
        let allow = try #require(relay.shown[message]?.buttons["Allow"])
        #expect(try relay.press(allow, of: message, by: "eve", in: "g1") == "Only an approver can answer this.")
        #expect(try relay.press(allow, of: message, by: "mallory", in: "g1") == "Only an approver can answer this.")
        #expect(relay.verdicts["api"] == nil)
        #expect(try relay.press(allow, of: message, by: "bob", in: "g1") == "Allowed: Bash.")
    }

    @Test func aCardThatMayHaveBeenSentIsSentAgain() throws {
        let relay = try RelayFixture()
        var failures = 1
        relay.decide = { command in
            guard command.verb == "send", command.chat == "d-ann", failures > 0 else { return nil }
            failures -= 1
            return .unknown(reason: "the connection ended in between")
        }
        try relay.ask()
        let (message, card) = try relay.card(of: "ann")
        // An edit that the platform refuses is said in a new message.
        relay.decide = { $0.verb == "edit" && $0.chat == "d-ann" ? .rejected(reason: "too old") : nil }
        try relay.press(try #require(card.buttons["Allow"]), of: message, by: "ann")
        #expect(relay.texts(in: "d-ann").last?.contains("Allowed by ann") == true)
        #expect(relay.order.count { relay.shown[$0]?.chat == "d-ann" } == 2)
    }
}

extension [RouterMessage] {
    var verdicts: [Verdict] {
        compactMap { message in
            if case .numbered(_, .verdict(let verdict)) = message { return verdict }
            return nil
        }
    }
}
