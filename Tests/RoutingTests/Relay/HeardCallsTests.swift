import BusProtocol
import ChannelEvents
import JSON
import Testing

@testable import Routing

/// Which hook tells the arguments of which prompt, and when nobody can say.
struct HeardCallsTests {
    @Test func inEitherOrderTheWholeCommandIsShown() throws {
        let relay = try RelayFixture()
        let input: JSONValue = ["command": "cat <<EOF\nline one\nEOF"]
        try relay.askWithHooks("aaaaa", input: input)
        #expect(try relay.card(of: "ann").card.text.contains("│ cat <<EOF\n│ line one\n│ EOF"))
        // The prompt first: its card waits a moment for the hook.
        try relay.ask("bbbbb", input: ["command": "make\nmake install"])
        #expect(relay.cards(of: "ann").count == 1)
        try relay.hook(
            "PermissionRequest", ["tool_name": "Bash", "tool_input": ["command": "make\nmake install"]])
        #expect(try relay.card(of: "ann").card.text.contains("│ make\n│ make install"))
    }

    @Test func withoutAHookInTimeTheAbridgedOneIsShownAndSaysSo() throws {
        let relay = try RelayFixture()
        try relay.hook("UserPromptSubmit", ["events": []])
        try relay.ask(preview: #"{"command":"echo [REDACTED] ⋯ 20 characters ⋯ end"}"#)
        #expect(relay.cards(of: "ann").isEmpty)
        try relay.pass(301)
        let text = try relay.card(of: "ann").card.text
        #expect(text.contains("left out a part of it, where ⋯ stands"))
        #expect(text.contains("hid what looked like a secret"))
        #expect(text.contains("⋯ 20 characters ⋯"))
    }

    @Test func twoCallsThatCouldBothBeMeantAreNeither() throws {
        let relay = try RelayFixture(permissions: PermissionSettings(allowsGrants: true))
        _ = try relay.ask(
            "access.grant", ["session": "api", "tool": "Bash", "matches": "echo *", "for": 60_000, "count": 9])
        let preview = #"{"command":"echo ⋯ 9 characters ⋯ z"}"#
        try relay.hook("PermissionRequest", ["tool_name": "Bash", "tool_input": ["command": "echo aaaa z"]])
        try relay.hook("PermissionRequest", ["tool_name": "Bash", "tool_input": ["command": "echo bbbb z"]])
        try relay.ask("aaaaa", preview: preview)
        try relay.pass(301)
        #expect(relay.verdicts["api"] == nil)
        let text = try relay.card(of: "ann").card.text
        #expect(!text.contains("aaaa z") && !text.contains("bbbb z"))
        #expect(text.contains("⋯ 9 characters ⋯"))
    }

    @Test func parallelCallsGetEachItsOwn() throws {
        let relay = try RelayFixture()
        for (use, command) in [("1", "ls one"), ("2", "ls two")] {
            let input: JSONValue = ["command": .string(command)]
            try relay.hook("PreToolUse", ["tool_name": "Bash", "tool_use_id": .string(use), "tool_input": input])
            try relay.hook("PermissionRequest", ["tool_name": "Bash", "tool_input": input])
        }
        try relay.ask("bbbbb", input: ["command": "ls two"])
        try relay.ask("aaaaa", input: ["command": "ls one"])
        #expect(relay.cards(of: "ann").map { $0.card.text.contains("ls two") } == [true, false])
        // Each ends with its own use.
        try relay.hook("PostToolUse", ["tool_name": "Bash", "tool_use_id": "2"])
        #expect(relay.cards(of: "ann").count == 1)
        #expect(try relay.card(of: "ann").card.text.contains("ls one"))
    }

    @Test func anOldHookIsNobodysAnymore() throws {
        let relay = try RelayFixture()
        try relay.hook(
            "PermissionRequest", ["tool_name": "Bash", "tool_input": ["command": "swift test", "timeout": 9]])
        try relay.pass(2_001)
        try relay.ask(preview: #"{"command":"swift test"}"#)
        try relay.pass(301)
        #expect(try !relay.card(of: "ann").card.text.contains("timeout"))
    }

    @Test(arguments: [
        (#"{"command":"swift test"}"#, true, true), (#"{ "command": "swift  test" }"#, true, true),
        (#"{ "command": "swift" }"#, false, true), (#"{"command":"swift build"}"#, false, false),
        (#"{"command":"sw ⋯ 3 characters ⋯ test"}"#, false, true), ("", false, true),
        (#"{"command":"⋯ 9 characters ⋯ test swift"}"#, false, false),
    ])
    func previewsBesideArguments(_ preview: String, _ isWhole: Bool, _ agrees: Bool) {
        let input: JSONValue = ["command": "swift test"]
        #expect(InputPreview.isWhole(preview, of: input) == isWhole)
        #expect(InputPreview.agrees(preview, with: input) == agrees)
    }
}
