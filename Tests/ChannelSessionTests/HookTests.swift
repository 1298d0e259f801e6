import BusProtocol
import JSON
import MessageBus
import SwitchboardTesting
import Testing

@testable import ChannelSession

/// The tool `hook`: what goes to the router, what Claude Code is told, and that it never waits long.
struct HookTests {
    private func hook(_ name: String, _ members: JSONObject = [:]) -> JSONValue {
        var arguments: JSONObject = ["hook_event_name": .string(name)]
        for member in members { arguments[member.key] = member.value }
        return .object(arguments)
    }

    private func answer(_ fixture: SessionFixture, _ id: Int64) throws -> JSONValue? {
        try fixture.text(id).map { try JSONValue(parsing: Array($0.utf8)) }
    }

    @Test func itIsNotListed() throws {
        let fixture = try SessionFixture.joined()
        fixture.say(#"{"jsonrpc":"2.0","id":9,"method":"tools/list"}"#)
        let names = try fixture.result(9)?["tools"]?.arrayValue?.compactMap { $0["name"]?.stringValue }
        #expect(names?.contains("hook") == false && names?.contains("reply") == true)
    }

    @Test func aPromptIsReportedByTheEventsInItAndNotByItsText() throws {
        let fixture = try SessionFixture.joined()
        let prompt = "<channel source=\"switchboard\" event_id=\"webhook:ci/1\">\nsecret\n</channel>"
        fixture.call(
            1, "hook", hook("UserPromptSubmit", ["prompt": .string(prompt), "prompt_id": "p1", "session_id": "s1"]))
        #expect(try answer(fixture, 1) == [:])
        let report = try #require(try fixture.router.hooks.first)
        #expect(report.name == "UserPromptSubmit" && report.prompt == "p1" && report.session == "s1")
        #expect(report.members == ["events": ["webhook:ci/1"]])
        #expect(!report.wantsAnswer && report.at == fixture.clock.clock.wall())
    }

    @Test func whatClaudeCodeHasNoValueForIsAbsent() throws {
        let fixture = try SessionFixture.joined()
        fixture.call(
            1, "hook",
            hook(
                "Stop",
                [
                    "prompt_id": "${prompt_id}", "session_id": "", "last_assistant_message": .null,
                    "stop_hook_active": "true", "at": "1795442400007",
                ]))
        let report = try #require(try fixture.router.hooks.first)
        #expect(report.prompt == nil && report.session == nil && report.at == 1_795_442_400_007)
        #expect(report.members == ["stop_hook_active": true])
    }

    @Test(arguments: [
        JSONValue.object(["command": "ls"]), .string(#"{"command":"ls"}"#),
    ]) func toolInputComesAsJSONOrAsItsText(_ input: JSONValue) throws {
        let fixture = try SessionFixture.joined()
        fixture.call(1, "hook", hook("PostToolUse", ["tool_name": "Bash", "tool_input": input]))
        #expect(try fixture.router.hooks.first?.members == ["tool_name": "Bash", "tool_input": ["command": "ls"]])
    }

    @Test func anInputThatIsTooLongStaysHere() throws {
        let fixture = try SessionFixture.joined()
        let text = String(repeating: "x", count: HookCall.inputLimit)
        fixture.call(1, "hook", hook("PreToolUse", ["tool_name": "Write", "tool_input": ["content": .string(text)]]))
        #expect(try fixture.router.hooks.first?.members == ["tool_name": "Write"])
    }

    @Test func anEventWhoseIDCannotStandInATagIsFoundAgain() throws {
        let fixture = try SessionFixture.joined()
        try fixture.router.emit(.delivered([.test(1, event: "a<b\u{7}c")]))
        let shown = try #require(try fixture.events().first?["meta"]?["event_id"]?.stringValue)
        #expect(shown == "webhook:a_b_c")
        fixture.call(
            1, "hook", hook("UserPromptSubmit", ["prompt": .string("<channel event_id=\"\(shown)\">\n</channel>")]))
        #expect(try fixture.router.hooks.first?.members == ["events": ["webhook:a<b\u{7}c"]])
    }

    // MARK: The answer

    @Test func theRoutersWordIsTheAnswer() throws {
        let fixture = try SessionFixture.joined()
        fixture.call(1, "hook", hook("Stop"))
        let report = try #require(try fixture.router.hooks.first)
        #expect(report.wantsAnswer)
        #expect(try fixture.text(1) == nil)
        try fixture.router.emit(.answered(id: report.id, .success(["decision": "block", "reason": "one is open"])))
        #expect(try answer(fixture, 1) == ["decision": "block", "reason": "one is open"])
    }

    @Test func aRouterThatDoesNotAnswerHoldsNobodyUp() throws {
        let fixture = try SessionFixture.joined()
        fixture.call(1, "hook", hook("PreToolUse", ["tool_name": "Bash"]))
        fixture.advance(milliseconds: HookLedger.patience - 1)
        #expect(try fixture.text(1) == nil)
        fixture.advance(milliseconds: 1)
        #expect(try answer(fixture, 1) == [:])
        // The late answer goes nowhere.
        let report = try #require(try fixture.router.hooks.first)
        try fixture.router.emit(.answered(id: report.id, .success(["continue": false])))
        #expect(try fixture.output.response(to: 1) != nil)
    }

    @Test func aFailureOfTheRouterLetsClaudeCodeGoOn() throws {
        let fixture = try SessionFixture.joined()
        fixture.call(1, "hook", hook("Stop"))
        let report = try #require(try fixture.router.hooks.first)
        try fixture.router.emit(.answered(id: report.id, .failure(code: "role", message: "no")))
        #expect(try answer(fixture, 1) == [:])
    }

    @Test func aRouterThatGoesAwayLetsThemGoAtOnce() throws {
        let fixture = try SessionFixture.joined()
        fixture.call(1, "hook", hook("Stop"))
        try fixture.router.emit(.lost(code: "silence"))
        #expect(try answer(fixture, 1) == [:])
        // While it is away what proves something is kept for it, what a tool did is not.
        fixture.call(2, "hook", hook("PreToolUse", ["tool_name": "Bash"]))
        fixture.call(3, "hook", hook("UserPromptSubmit", ["prompt": "x"]))
        fixture.call(4, "hook", hook("Stop"))
        for id in 2...4 { #expect(try answer(fixture, Int64(id)) == [:]) }
        #expect(try fixture.router.hooks.dropFirst().map(\.name) == ["UserPromptSubmit", "Stop"])
        #expect(try fixture.router.hooks.dropFirst().allSatisfy { !$0.wantsAnswer })
    }

    @Test func aFullBusLetsThemGoAtOnce() throws {
        let fixture = try SessionFixture.joined()
        try fixture.router.refuse(with: BusError(.queueFull, "full"))
        fixture.call(1, "hook", hook("Stop"))
        #expect(try answer(fixture, 1) == [:])
    }

    @Test func manyAtOnceDoNotPileUp() throws {
        let fixture = try SessionFixture.joined()
        for id in 1...(HookLedger.limit + 1) {
            fixture.call(Int64(id), "hook", hook("PreToolUse", ["tool_name": "Bash"]))
        }
        #expect(try answer(fixture, Int64(HookLedger.limit + 1)) == [:])
        #expect(try fixture.text(Int64(HookLedger.limit)) == nil)
    }

    @Test func aCallWithoutAHookSaysSo() throws {
        let fixture = try SessionFixture.joined()
        fixture.call(1, "hook", [:])
        #expect(try fixture.result(1)?["isError"] == true)
    }

    // MARK: What is decided on the spot

    private func permission(_ fixture: SessionFixture, _ id: Int64) throws -> String? {
        try answer(fixture, id)?["hookSpecificOutput"]?["permissionDecision"]?.stringValue
    }

    @Test(
        arguments: [
            ("mcp__switchboard__reply", "allow"), ("mcp__plugin_switchboard_switchboard__inbox", "allow"),
            ("mcp__switchboard__hook", nil), ("mcp__switchboard__unknown", nil), ("mcp__notswitchboard__reply", nil),
            ("mcp__switchboard_evil__reply", nil), ("mcp__evil__switchboard__reply", nil), ("reply", nil),
            ("Bash", nil),
        ] as [(String, String?)]) func ownToolsAndNoOthersNeedNoPrompt(_ tool: String, _ decision: String?) throws
    {
        let fixture = try SessionFixture.joined()
        fixture.call(1, "hook", hook("PreToolUse", ["tool_name": .string(tool), "tool_input": [:]]))
        if decision == nil { fixture.advance(milliseconds: HookLedger.patience) }
        #expect(try permission(fixture, 1) == decision)
        #expect(try fixture.router.hooks.first?.wantsAnswer == (decision == nil))
    }

    @Test(arguments: [
        ("Read", "/inbox/ab/photo.png", true), ("Read", "/inbox/../secrets.env", false), ("Read", "/inbox", false),
        ("Read", "/inboxes/a", false), ("Read", "/etc/passwd", false), ("Read", "/inbox/./x", false),
        ("Write", "/inbox/ab/photo.png", false), ("Read", "inbox/a", false), ("Read", "/inbox/a\0", false),
    ]) func onlyReceivedFilesMayBeReadUnasked(_ tool: String, _ path: String, _ isAllowed: Bool) throws {
        let fixture = SessionFixture(inboxFolder: "/inbox")
        fixture.handshake()
        try fixture.router.welcome()
        fixture.call(
            1, "hook", hook("PreToolUse", ["tool_name": .string(tool), "tool_input": ["file_path": .string(path)]]))
        fixture.advance(milliseconds: HookLedger.patience)
        #expect(try permission(fixture, 1) == (isAllowed ? "allow" : nil))
    }

    @Test func aQuestionForTheTerminalIsDeniedWhereNobodySitsThere() throws {
        let fixture = try SessionFixture.joined()
        var id: Int64 = 0
        func decision(_ name: String, _ members: JSONObject) throws -> String? {
            id += 1
            fixture.call(id, "hook", hook(name, members))
            fixture.advance(milliseconds: HookLedger.patience)
            return try permission(fixture, id)
        }
        let question: JSONObject = ["tool_name": "AskUserQuestion", "tool_input": ["questions": []]]
        let tag: JSONObject = ["prompt": "<channel event_id=\"a:1\">\nx\n</channel>"]
        #expect(try decision("PreToolUse", question) == nil)
        _ = try decision("UserPromptSubmit", tag)
        #expect(try decision("PreToolUse", question) == "deny")
        _ = try decision("UserPromptSubmit", ["prompt": "I am here"])
        #expect(try decision("PreToolUse", question) == nil)
        _ = try decision("Stop", [:])
        _ = try decision("UserPromptSubmit", tag)
        _ = try decision("Stop", [:])
        #expect(try decision("PreToolUse", question) == nil)
        // A message that arrives in a turn of the person at the terminal does not move that person away.
        _ = try decision("UserPromptSubmit", ["prompt": "do it"])
        _ = try decision("UserPromptSubmit", tag)
        #expect(try decision("PreToolUse", question) == nil)
    }
}
