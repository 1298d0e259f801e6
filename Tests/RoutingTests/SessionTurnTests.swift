import BusProtocol
import JSON
import Testing

@testable import Routing

/// When a turn begins and when it ends, sentence by sentence.
struct SessionTurnTests {
    /// One thing that a turn machine hears, and what it should make of it.
    struct Step: CustomTestStringConvertible {
        var name: String
        var members: JSONObject
        var at: Int64
        var prompt: String?
        var change: SessionTurn.Change
        var isWorking: Bool

        init(
            _ name: String, _ members: JSONObject = [:], at: Int64, prompt: String? = nil,
            _ change: SessionTurn.Change, working: Bool
        ) {
            self.name = name
            self.members = members
            self.at = at
            self.prompt = prompt
            self.change = change
            isWorking = working
        }

        var testDescription: String { "\(name) at \(at)" }
    }

    struct Story: CustomTestStringConvertible {
        var testDescription: String
        var steps: [Step]

        init(_ title: String, _ steps: Step...) {
            testDescription = title
            self.steps = steps
        }
    }

    static let stories = [
        Story(
            "a prompt begins, Stop ends",
            Step("UserPromptSubmit", at: 10, .began, working: true),
            Step("Stop", at: 20, .ended(.stop), working: false)),
        Story("any sign of work begins", Step("PreToolUse", at: 10, .began, working: true)),
        Story(
            "a failed turn has ended",
            Step("PreToolUse", at: 10, .began, working: true),
            Step("StopFailure", at: 20, .ended(.failure), working: false)),
        Story(
            "a goodbye ends, /clear does not",
            Step("UserPromptSubmit", at: 10, .began, working: true),
            Step("SessionEnd", ["reason": "clear"], at: 20, .none, working: true),
            Step("SessionEnd", ["reason": "logout"], at: 30, .ended(.session), working: false)),
        Story(
            "waiting for a prompt ends, another notification does not",
            Step("UserPromptSubmit", at: 10, .began, working: true),
            Step("Notification", ["notification_type": "permission_prompt"], at: 20, .none, working: true),
            Step("Notification", ["notification_type": "idle_prompt"], at: 30, .ended(.idle), working: false)),
        Story(
            "what an ended turn did comes late and begins nothing",
            Step("UserPromptSubmit", at: 10, .began, working: true),
            Step("Stop", at: 30, .ended(.stop), working: false),
            Step("PostToolUse", at: 20, .none, working: false),
            Step("UserPromptSubmit", at: 25, .none, working: false)),
        Story(
            "the end of a turn comes after the beginning of the next",
            Step("UserPromptSubmit", at: 10, prompt: "a", .began, working: true),
            Step("UserPromptSubmit", at: 30, prompt: "b", .none, working: true),
            Step("Stop", at: 20, prompt: "a", .ended(.stop), working: true),
            Step("Stop", at: 40, prompt: "b", .ended(.stop), working: false)),
        Story(
            "two prompts make one turn",
            Step("UserPromptSubmit", at: 10, prompt: "a", .began, working: true),
            Step("UserPromptSubmit", at: 11, prompt: "b", .none, working: true),
            Step("Stop", at: 20, prompt: "b", .ended(.stop), working: false)),
        Story(
            "the same end twice is one end",
            Step("UserPromptSubmit", at: 10, .began, working: true),
            Step("Stop", at: 20, .ended(.stop), working: false),
            Step("Stop", at: 20, .none, working: false)),
        Story(
            "in one millisecond a new prompt begins, the rest belongs to what ended",
            Step("UserPromptSubmit", at: 10, prompt: "a", .began, working: true),
            Step("Stop", at: 20, prompt: "a", .ended(.stop), working: false),
            Step("PostToolUse", at: 20, prompt: "a", .none, working: false),
            Step("UserPromptSubmit", at: 20, prompt: "b", .began, working: true),
            Step("Stop", at: 20, prompt: "b", .ended(.stop), working: false)),
        Story(
            "a turn that another hook kept going works on",
            Step("UserPromptSubmit", at: 10, prompt: "a", .began, working: true),
            Step("Stop", at: 20, prompt: "a", .ended(.stop), working: false),
            Step("PreToolUse", at: 21, prompt: "a", .began, working: true)),
        Story(
            "what says nothing of turns begins none",
            Step("SessionStart", ["source": "resume"], at: 10, .none, working: false),
            Step("PreCompact", at: 11, .none, working: false),
            Step("SubagentStop", at: 12, .none, working: false)),
    ]

    @Test(arguments: stories) func story(_ story: Story) {
        var turn = SessionTurn()
        for step in story.steps {
            let report = HookReport(
                id: "h", name: step.name, at: step.at, prompt: step.prompt, members: .object(step.members))
            let change = turn.hear(report, now: step.at)
            #expect(change == step.change, "\(step.testDescription)")
            #expect(turn.isWorking == step.isWorking, "\(step.testDescription)")
        }
    }

    private func hook(_ name: String, at: Int64, _ members: JSONObject = [:]) -> HookReport {
        HookReport(id: "h", name: name, at: at, members: .object(members))
    }

    @Test func aMinuteOfSilenceEndsATurn() {
        var turn = SessionTurn()
        _ = turn.hear(hook("UserPromptSubmit", at: 10), now: 1_000)
        #expect(turn.deadline == 61_000)
        #expect(turn.pass(now: 60_999) == .none)
        #expect(turn.pass(now: 61_000) == .ended(.silence))
        #expect(!turn.isWorking && turn.deadline == nil)
        // It was only thinking: the next sign of work begins anew.
        #expect(turn.hear(hook("PreToolUse", at: 70_000), now: 71_000) == .began)
    }

    @Test func anOpenToolIsWaitedForButNotForEver() {
        var turn = SessionTurn()
        let tool: JSONObject = ["tool_name": "Bash", "tool_use_id": "t", "tool_input": ["command": "swift test -v x"]]
        _ = turn.hear(hook("PreToolUse", at: 10, tool), now: 0)
        #expect(turn.tools["t"]?.summary == "swift test")
        #expect(turn.pass(now: SessionTurn.silence) == .none)
        #expect(turn.pass(now: 10 * SessionTurn.silence) == .none)
        _ = turn.hear(hook("PostToolUse", at: 20, tool), now: 600_000)
        #expect(turn.deadline == 660_000)
        _ = turn.hear(hook("PreToolUse", at: 30, tool), now: 600_001)
        // Refused at the terminal: no hook ever says so.
        #expect(turn.pass(now: 600_001 + SessionTurn.toolSilence) == .ended(.silence))
    }

    @Test func aGoodbyeIsNotWrittenToUntilSomethingElseIsHeard() {
        var turn = SessionTurn()
        _ = turn.hear(hook("UserPromptSubmit", at: 10), now: 0)
        _ = turn.hear(hook("SessionEnd", at: 20, ["reason": "other"]), now: 1)
        #expect(turn.hasLeft)
        _ = turn.hear(hook("SessionStart", at: 21, ["source": "resume"]), now: 2)
        #expect(!turn.hasLeft)
        _ = turn.hear(hook("SessionEnd", at: 30, ["reason": "other"]), now: 3)
        _ = turn.pass(now: 3 + SessionTurn.leaving)
        #expect(!turn.hasLeft)
    }

    @Test func commandsAreNamedWithoutWhatMayBeSecret() {
        var turn = SessionTurn()
        for (command, shown) in [
            ("swift test", "swift test"), ("curl -H 'Authorization: x'", "curl -H"), ("A=$B run", nil), ("ls", "ls"),
            ("echo $TOKEN", "echo"), ("", nil),
        ] {
            _ = turn.hear(
                hook("PreToolUse", at: 10, ["tool_use_id": "t", "tool_input": ["command": .string(command)]]), now: 0)
            #expect(turn.tools["t"]?.summary == shown)
        }
    }

    /// Whatever comes in whatever order: a turn that is left alone ends.
    @Test(arguments: 1...200) func everyTurnEnds(seed: UInt64) {
        var random = SplitMix(state: seed)
        var turn = SessionTurn()
        var now: Int64 = 0
        let names = [
            "UserPromptSubmit", "PreToolUse", "PostToolUse", "Stop", "StopFailure", "SessionEnd", "SessionStart",
            "Notification", "PermissionRequest", "PreCompact",
        ]
        for _ in 0..<60 {
            now += Int64(random.next() % 2_000)
            let members: JSONObject = [
                "tool_use_id": .string("t\(random.next() % 3)"),
                "reason": random.next() % 2 == 0 ? "clear" : "other",
                "notification_type": random.next() % 2 == 0 ? "idle_prompt" : "permission_prompt",
            ]
            let at = max(0, now - Int64(random.next() % 3_000))
            let wasWorking = turn.isWorking
            let change = turn.hear(hook(names[Int(random.next() % 10)], at: at, members), now: now)
            if change == .began { #expect(!wasWorking && turn.isWorking) }
            if wasWorking, !turn.isWorking { #expect(change != .none && change != .began) }
            #expect(turn.isWorking == (turn.worked > turn.ended))
        }
        _ = turn.pass(now: now + SessionTurn.toolSilence)
        #expect(!turn.isWorking)
    }
}
