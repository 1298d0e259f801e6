import JSON
import SwitchboardTesting
import Testing

/// Hooks of a session, over its own connection and the bus, to the router and back.
@Suite struct HookPathTests {
    @Test func aHookProvesTheSessionAndIsAnswered() async throws {
        // Without a hook nothing would be delivered for a minute.
        let configuration = """
            adapters: { webhook: { listen: "127.0.0.1:{port}" } }
            delivery: { attach_settle: 60s, first_push_wait: 60s }

            """
        try await SwitchboardHomeFixture.with(configuration: configuration) { home in
            try await home.up()
            let session = try await home.session("web")
            _ = try await MainJobTests.curl(home, "build failed")
            try await session.hook("SessionStart", ["source": "startup"])
            let event = try await session.channelEvents(1)[0]
            #expect(try await session.submit(event) == [:])
            let use = try await session.preToolUse("Bash", ["command": "swift test"])
            #expect(use.answer == [:])
            try await session.postToolUse(use)
            let reply = try await session.preToolUse("mcp__switchboard__reply", ["chat_id": "webhook:ci"])
            #expect(reply.answer["hookSpecificOutput"]?["permissionDecision"] == "allow")
            _ = try await session.call("reply", ["chat_id": "webhook:ci", "text": "on it"])
            try await session.postToolUse(reply)
            #expect(try await session.stop("done") == [:])
            #expect(session.strayLines.isEmpty)
            session.closeInput()
        }
    }
}
