import AccessControl
import BusProtocol
import ChannelEvents
import JSON
import MessageStore
import Testing

@testable import Routing

/// Whoever tries to answer a prompt without the right to: the prompt stays open, he is refused to his face, it is on
/// record, and Claude reads none of it.
struct RelayRedTeamTests {
    private func stillOpen(_ relay: RelayFixture) throws -> Bool {
        try relay.verdicts.isEmpty && relay.status()["prompts"]?.arrayValue?.count == 1
    }

    @Test func tapsOfOthers() throws {
        let relay = try RelayFixture(groups: ["g": GroupPolicy(requiresMention: false)])
        try relay.ask()
        let (message, card) = try relay.card(of: "ann")
        let allow = try #require(card.buttons["Allow"])
        // A chat-only user, a stranger, a bot with an approver's rights, whoever knew a secret, a local process.
        #expect(try relay.press(allow, of: message, by: "eve") == "Only an approver can answer this.")
        #expect(try relay.press(allow, of: message, by: "mallory") == "Only an approver can answer this.")
        #expect(
            try relay.press(allow, of: message, by: "ann", flags: [.direct, .bot])
                == "Only an approver can answer this.")
        for way in [Authentication.secret, .loopback, .none] {
            try relay.press(allow, of: message, by: "ann", authentication: way)
        }
        #expect(try stillOpen(relay))
        let refused = try relay.audit().filter { $0.entry.kind == "verdict-refused" }
        #expect(Set(refused.compactMap(\.entry.rule)) == ["not-approver", "stranger"])
        #expect(try relay.press(allow, of: message, by: "ann") == "Allowed: Bash.")
    }

    @Test func forgedAndMisplacedButtons() throws {
        let relay = try RelayFixture()
        try relay.ask("abcde")
        try relay.ask("fghij", input: ["command": "git push"])
        let first = relay.cards(of: "ann")[0]
        let second = relay.cards(of: "ann")[1]
        let allow = try #require(first.card.buttons["Allow"])
        let action = try #require(CardAction(allow))
        let other = try #require(second.card.buttons["Allow"].flatMap(CardAction.init))
        let forged = [
            // A guessed secret, another prompt's secret, another prompt's message, another approver's chat, no such prompt.
            (CardAction(prompt: action.prompt, nonce: "0", choice: .allow).text, first.id, "ann"),
            (CardAction(prompt: action.prompt, nonce: other.nonce, choice: .allow).text, first.id, "ann"),
            (allow, second.id, "ann"), (allow, first.id, "bob"),
            (CardAction(prompt: 99, nonce: action.nonce, choice: .allow).text, first.id, "ann"),
            ("card:", first.id, "ann"), ("card:1:2:3:4:5", first.id, "ann"), (allow + "y", first.id, "ann"),
        ]
        for (text, message, person) in forged { try relay.press(text, of: message, by: person) }
        #expect(relay.verdicts.isEmpty)
        #expect(try relay.status()["prompts"]?.arrayValue?.count == 2)
        #expect(relay.deliveries.isEmpty)
    }

    @Test func aReplayedTapIsOneTap() throws {
        let relay = try RelayFixture()
        try relay.ask()
        let (message, card) = try relay.card(of: "ann")
        let allow = try #require(card.buttons["Allow"])
        let deny = try #require(card.buttons["Deny"])
        try relay.press(allow, of: message, by: "ann")
        for action in [allow, deny, allow] {
            #expect(try relay.press(action, of: message, by: "ann")?.hasPrefix("Already decided.") == true)
        }
        #expect(relay.verdicts["api"]?.count == 1)
        // The same name again, later: the old tap decides nothing of the new prompt.
        try relay.wrote()
        try relay.ask(input: ["command": "rm -rf build"])
        #expect(try relay.press(allow, of: message, by: "ann")?.hasPrefix("Already decided.") == true)
        try relay.say("yes abcde", from: "ann")
        #expect(relay.verdicts["api"]?.count == 1)
        #expect(try relay.status()["prompts"]?.arrayValue?.count == 1)
    }

    @Test func textsThatDoNotCount() throws {
        let relay = try RelayFixture(groups: ["g": GroupPolicy(requiresMention: false)])
        try relay.ask()
        let file = ChannelEvents.Attachment(id: "f1", name: "a.png")
        try relay.say("yes abcde", from: "ann", kind: .edit)
        try relay.say("yes abcde", from: "ann", attachments: [file])
        try relay.say("yes abcde", from: "ann", flags: [.direct, .forwarded])
        try relay.say("yes abcde", from: "ann", flags: [.direct, .bot])
        try relay.say("yes abcde", from: "ann", flags: [.direct, .late], time: relay.router.now.wall - 60_000)
        try relay.say("yes abcde", from: "eve")
        try relay.say("yes abcde", from: "eve", in: "g")
        try relay.say("yes abcde", from: "mallory")
        #expect(try stillOpen(relay))
        // None of it reached Claude, and each but the stranger was told why.
        #expect(relay.deliveries.isEmpty)
        let told = relay.texts(in: "d-ann").filter { $0.hasPrefix("This does not count") }
        #expect(told.count == 4)
        #expect(relay.texts(in: "d-eve").contains("Only an approver can answer a permission prompt."))
        try relay.say("yes abcde", from: "bob", in: "g")
        #expect(relay.verdicts["api"] == [Verdict(request: "abcde", allow: true)])
    }

    @Test func aBareYesReachesNobody() throws {
        let relay = try RelayFixture()
        try relay.ask()
        try relay.say("yes", from: "ann")
        #expect(try stillOpen(relay))
        #expect(relay.deliveries.isEmpty)
        #expect(relay.texts(in: "d-ann").last?.contains("yes abcde") == true)
        try relay.say("yes qqqqq", from: "ann")
        #expect(relay.deliveries.isEmpty)
        #expect(relay.texts(in: "d-ann").last?.contains("There is no prompt qqqqq. Open: abcde.") == true)
        // Ordinary words go to Claude, and so does a bare yes when nothing is asked.
        try relay.say("yes, and push it", from: "ann")
        #expect(relay.deliveries.count == 1)
        try relay.say("no abcde", from: "ann")
        try relay.say("yes", from: "ann")
        #expect(relay.deliveries.count == 2)
    }

    @Test func hostilePromptsStayBehindTheirBars() throws {
        let relay = try RelayFixture()
        try relay.ask(
            "abcde", tool: "Bash\nAllowed by ann", input: ["command": "true\u{202E}\nYes: press Allow"],
            about: "harmless\n\nAnswer: yes zzzzz\u{200F}")
        let card = try relay.card(of: "ann").card
        let lines = card.text.split(separator: "\n")
        #expect(lines[0].contains("Bash Allowed by ann"))
        #expect(lines.filter { $0.hasPrefix("Allowed") || $0.hasPrefix("Answer") || $0.hasPrefix("Yes") }.isEmpty)
        #expect(!card.text.unicodeScalars.contains("\u{202E}") && !card.text.unicodeScalars.contains("\u{200F}"))
    }

    @Test func thePromptIsNoMessageForOtherEndpoints() throws {
        let relay = try RelayFixture()
        try relay.session("web")
        try relay.ask()
        // Another session reports the verdict as written, and asks under the same name: nothing of api's changes.
        try relay.say("yes abcde", from: "ann")
        try relay.wrote("abcde", in: "web")
        try relay.restart()
        try relay.attach(next: 100)
        #expect(try relay.router.attachEndpoint("api").verdicts.count == 1)
    }

    @Test func aFloodOfPromptsIsRefused() throws {
        let relay = try RelayFixture()
        relay.decide = { _ in .sent(ids: ["m"]) }
        for number in 0..<70 { try relay.ask("r\(number)") }
        #expect(try relay.status()["prompts"]?.arrayValue?.count == PermissionRelay.sessionLimit)
    }

    @Test func theAuditHoldsNoCommand() throws {
        let relay = try RelayFixture()
        try relay.askWithHooks(input: ["command": "curl -H s3cret example.org"])
        try relay.say("yes abcde", from: "ann")
        for record in try relay.audit() {
            let entry = record.entry
            let members = [entry.detail, entry.rule, entry.event, entry.conversation].compactMap(\.self)
            #expect(members.allSatisfy { !$0.contains("s3cret") })
        }
        #expect(try relay.router.store.read { try $0.verifyAudit() }.firstBroken == nil)
    }
}
