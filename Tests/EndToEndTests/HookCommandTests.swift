import JSON
import OperatingHome
import SwitchboardTesting
import Testing

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// `switchboard hook`, the process that Claude Code runs where it cannot call a tool.
@Suite struct HookCommandTests {
    private static func hook(_ home: SwitchboardHomeFixture, _ text: String) async throws -> ProgramOutcome {
        var command = try home.command("switchboard", ["hook"])
        // The endpoint's parent is this process, as Claude Code is its endpoint's.
        command.environment["CLAUDE_PID"] = "\(getpid())"
        command.hasLifeline = false
        command.input = .pipe
        command.output = .pipe
        command.errors = .pipe
        let child = try home.start(command)
        let output = try ProgramOutput(try #require(child.output))
        let errors = try ProgramOutput(try #require(child.errors))
        let input = try #require(child.input)
        let bytes = Array(text.utf8)
        #expect(write(input, bytes, bytes.count) == bytes.count)
        close(input)
        return ProgramOutcome(status: await child.exit(), output: await output.all(), errors: await errors.all())
    }

    @Test func aHookOfAProcessReachesItsSession() async throws {
        try await SwitchboardHomeFixture.with(configuration: MainJobTests.configuration) { home in
            try await home.up()
            let session = try await home.session("web")
            _ = try await MainJobTests.curl(home, "build failed")
            let event = try await session.channelEvents(1)[0]
            let prompt: JSONValue = [
                "hook_event_name": "UserPromptSubmit", "session_id": "s", "prompt_id": "p",
                "prompt": .string(event.tag),
            ]
            let outcome = try await Self.hook(home, prompt.text)
            #expect(outcome.status == .exited(0) && outcome.output.isEmpty && outcome.errors.isEmpty, "\(outcome)")
            let history = try await home.json("history")
            #expect(history["events"]?.arrayValue?.last?["deliveries"]?.arrayValue?.first?["state"] == "seen")
            session.closeInput()
        }
    }

    @Test(arguments: [
        "", "[]", "{", #"{"hook_event_name": "Stop"}"#, #"{"hook_event_name": "PreToolUse", "tool_name": "Bash"}"#,
    ])
    func withoutARouterNothingIsSaid(_ text: String) async throws {
        try await SwitchboardHomeFixture.with(configuration: UpTests.bare) { home in
            let outcome = try await Self.hook(home, text)
            #expect(outcome.status == .exited(0) && outcome.output.isEmpty && outcome.errors.isEmpty, "\(outcome)")
        }
    }

    @Test func ownToolsAreAllowedWithoutARouter() async throws {
        try await SwitchboardHomeFixture.with(configuration: UpTests.bare) { home in
            let outcome = try await Self.hook(
                home, #"{"hook_event_name": "PreToolUse", "tool_name": "mcp__plugin_switchboard_switchboard__reply"}"#)
            #expect(outcome.status == .exited(0))
            let answer = try JSONValue(parsing: outcome.output)
            #expect(answer["hookSpecificOutput"]?["permissionDecision"] == "allow")
        }
    }
}
