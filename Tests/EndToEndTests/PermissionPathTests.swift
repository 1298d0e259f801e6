import BusProtocol
import ChannelEvents
import JSON
import SwitchboardTesting
import Testing

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Permission prompts over the real programs: two sessions, a platform with buttons, one without, people with and
/// without the right to answer.
@Suite(.serialized) struct PermissionPathTests {
    static let configuration = """
        adapters: { scripted: {}, plain: { kind: scripted } }
        access:
          scripted: { allow: [eve], approvers: [ann], groups: { team: { require_mention: false, allow: [eve, ann] } } }
          plain: { approvers: [bob] }
        people: { ann: { owner: true, addresses: ["scripted:ann"] } }
        permissions: { cards_here: ["scripted:team"], grants: true }
        delivery: { attach_settle: 0s, first_push_wait: 0s }

        """

    private func with(_ body: (SwitchboardHomeFixture, ScriptedPlatform, ScriptedPlatform) async throws -> Void)
        async throws
    {
        try await SwitchboardHomeFixture.with(configuration: Self.configuration) { home in
            let chat = try ScriptedPlatform(home.places)
            let plain = try ScriptedPlatform(home.places, source: "plain", abilities: Abilities(verbs: ["send"]))
            defer {
                chat.close()
                plain.close()
            }
            try await home.up()
            // Each is met alone once, so that cards reach them.
            for (platform, person) in [(chat, "ann"), (plain, "bob")] { platform.say("hello", from: person) }
            try await body(home, chat, plain)
        }
    }

    private func card(_ platform: ScriptedPlatform, _ chat: String, _ words: String) async throws
        -> ScriptedPlatform.Shown
    {
        try await platform.shown("a card in \(chat)") { $0.chat == chat && $0.text.contains(words) }
    }

    private func action(_ card: ScriptedPlatform.Shown, _ label: String) throws -> String {
        try #require(card.buttons.first { $0.label == label }).action
    }

    /// What is said to who pressed.
    private func told(_ platform: ScriptedPlatform, _ tap: String) async throws -> String {
        try await platform.command("the answer to \(tap)") {
            $0.verb == "respond" && $0.arguments["id"]?.stringValue == tap
        }.arguments["text"]?.stringValue ?? ""
    }

    /// Two sessions ask under one name; strangers, chat-only users and bots try; one tap decides; late, double and
    /// post-restart taps are told so; a bare yes goes nowhere.
    @Test func theRightPhoneDecides() async throws {
        try await with { home, chat, plain in
            let api = try await home.session("api")
            let web = try await home.session("web")
            let command = "cat <<'EOF'\n" + String(repeating: "echo one more line of it\n", count: 130) + "EOF"
            #expect(command.count > 3_200)
            let use = try await api.askPermission("abcde", "Bash", ["command": .string(command)], about: "Write it")
            try await web.askPermission("abcde", "Bash", ["command": "rm -rf build"], about: "Clean up")

            // The whole command stands in the card.
            let mine = try await card(chat, "ann", "api asks for leave")
            #expect(mine.text.split(separator: "\n").count { $0 == "│ echo one more line of it" } == 130)
            let theirs = try await card(chat, "ann", "web asks for leave")
            let words = try await card(plain, "bob", "web asks for leave")
            #expect(words.buttons.isEmpty && words.text.contains("Answer: yes "))

            let allow = try action(mine, "Allow")
            for (person, flags) in [("eve", EventFlags.direct), ("mallory", .direct), ("ann", [.direct, .bot])] {
                let tap = chat.press(allow, of: mine.id, in: "ann", by: person, flags: flags)
                #expect(try await told(chat, tap) == "Only an approver can answer this.")
            }
            chat.say("yes", from: "ann")
            _ = try await card(chat, "ann", "Which one?")
            #expect(api.verdicts.isEmpty && web.verdicts.isEmpty)

            // The tap resolves its own session, and only that.
            let tap = chat.press(allow, of: mine.id, in: "ann", by: "ann")
            #expect(try await api.verdicts(1) == [.init(request: "abcde", behavior: "allow")])
            #expect(try await told(chat, tap) == "Allowed: Bash.")
            #expect(web.verdicts.isEmpty)
            _ = try await chat.shown("the decision") { $0.id == mine.id && $0.text.contains("Allowed by ann") }
            if let use { try await api.postToolUse(use) }

            // In words, on the platform without buttons.
            let code = try #require(words.text.split(separator: "yes ").last).prefix(5)
            plain.say("NO \(code)", from: "bob")
            #expect(try await web.verdicts(1) == [.init(request: "abcde", behavior: "deny")])
            _ = try await chat.shown("the decision") { $0.id == theirs.id && $0.text.contains("Denied by plain:bob") }

            let double = chat.press(allow, of: mine.id, in: "ann", by: "ann")
            #expect(try await told(chat, double).hasPrefix("Already decided. Allowed by ann"))
            #expect(api.verdicts.count == 1)
            // None of it reached Claude.
            #expect(api.channelEvents.allSatisfy { $0.content == "hello" })
            #expect(web.channelEvents.allSatisfy { $0.content == "hello" })
            let audit = try await home.json("access", "audit")
            let kinds = (audit["entries"]?.arrayValue ?? []).compactMap { $0["kind"]?.stringValue }
            #expect(kinds.count { $0 == "verdict" } == 2)
            #expect(kinds.contains("verdict-refused"))
        }
    }

    /// The router and the adapter die while a prompt is open; its card lives, and its verdict is the one of before.
    @Test func aCardOutlivesRouterAndAdapter() async throws {
        try await with { home, chat, _ in
            let api = try await home.session("api")
            try await api.askPermission("abcde", "Bash", ["command": "swift test"], hooks: false)
            let mine = try await card(chat, "ann", "swift test")
            let status = try await home.json("status")
            #expect(status["prompts"]?.arrayValue?.first?["code"] == "abcde")
            let router = try #require(status["router"]?["pid"]?.integerValue)
            kill(try await chat.connected(), SIGKILL)
            kill(Int32(router), SIGKILL)
            let tap = chat.press(try action(mine, "Deny"), of: mine.id, in: "ann", by: "ann")
            #expect(try await api.verdicts(1) == [.init(request: "abcde", behavior: "deny")])
            _ = try await chat.shown("the decision") { $0.id == mine.id && $0.text.contains("Denied by ann") }
            _ = tap
        }
    }

    /// Whoever asked reads that it waits, a group that opted in has the card, and the terminal's answer closes it.
    @Test func aGroupsPromptIsAnsweredAtTheTerminal() async throws {
        try await with { home, chat, _ in
            let api = try await home.session("api")
            chat.say("deploy it", from: "eve", in: "team", flags: [])
            let event = try await api.channelEvent { $0.content == "deploy it" }
            try await api.submit(event)
            let use = try await api.askPermission("abcde", "Bash", ["command": "make deploy"])
            let here = try await card(chat, "team", "make deploy")
            #expect(here.text.contains("this turn read: scripted:eve in scripted:team"))
            let tap = chat.press(try action(here, "Allow"), of: here.id, in: "team", by: "eve", flags: [])
            #expect(try await told(chat, tap) == "Only an approver can answer this.")
            if let use { try await api.postToolUse(use) }
            _ = try await chat.shown("the end") { $0.id == here.id && $0.text.contains("Answered at the terminal") }
            #expect(api.verdicts.isEmpty)
        }
    }

    /// A verdict passes while another handler is stuck: thousands of messages wait for a session that does not read.
    @Test func aVerdictPassesWhatIsBusy() async throws {
        try await with { home, chat, plain in
            let api = try await home.session("api")
            try await api.askPermission("abcde", "Bash", ["command": "swift test"], hooks: false)
            let mine = try await card(chat, "ann", "swift test")
            // The other platform's lane is stuck with a send that never ends well, and floods the router.
            plain.answer { _ in .retry(after: 1_000, reason: "rate limit") }
            for number in 0..<3_000 { plain.say("message \(number)", from: "bob") }
            let clock = ContinuousClock()
            let start = clock.now
            chat.press(try action(mine, "Allow"), of: mine.id, in: "ann", by: "ann")
            _ = try await api.verdicts(1)
            print("tap to verdict while another platform floods: \(clock.now - start)")
        }
    }
}
