import BusProtocol
import JSON
import MessageBus
import ModelContextProtocol
import SwitchboardTesting
import Testing

@testable import ChannelSession

/// Claude Code's permission prompts out to the router, and verdicts back, once each.
@Suite struct PermissionTests {
    private func ask(_ fixture: SessionFixture, _ parameters: JSONValue) {
        let message: JSONValue = [
            "jsonrpc": "2.0", "method": "notifications/claude/channel/permission_request", "params": parameters,
        ]
        fixture.session.receive(.line(message.bytes))
    }

    private func verdicts(_ fixture: SessionFixture) throws -> [JSONValue] {
        try fixture.output.notifications("notifications/claude/channel/permission")
    }

    private static let request: JSONValue = [
        "request_id": "abcde", "tool_name": "Bash", "description": "Run the tests",
        "input_preview": #"{"command":"x"}"#,
    ]

    @Test func aRequestIsAskedAndItsVerdictWrittenOnce() throws {
        let fixture = try SessionFixture.joined()
        ask(fixture, Self.request)
        let router = try fixture.router
        #expect(
            router.requests == [
                PermissionRequest(
                    request: "abcde", tool: "Bash", description: "Run the tests", preview: #"{"command":"x"}"#)
            ])
        router.emit(.verdict(Verdict(request: "abcde", allow: true)))
        // Again before it is in the pipe, and after a router that lost the receipt.
        router.emit(.verdict(Verdict(request: "abcde", allow: true)))
        #expect(try verdicts(fixture) == [["request_id": "abcde", "behavior": "allow"]])
        #expect(router.receipts.allSatisfy { $0.verdicts.isEmpty })
        fixture.session.linesWritten(fixture.output.number)
        #expect(router.receipts.map(\.verdicts) == [["abcde"]])
        router.emit(.verdict(Verdict(request: "abcde", allow: true)))
        #expect(try verdicts(fixture).count == 1)
        #expect(router.receipts.map(\.verdicts) == [["abcde"], ["abcde"]])
        // Asked again under the same name, it is another prompt.
        ask(fixture, Self.request)
        router.emit(.verdict(Verdict(request: "abcde", allow: false)))
        #expect(try verdicts(fixture).last == ["request_id": "abcde", "behavior": "deny"])
    }

    @Test func aVerdictForAnotherProcessIsNotWritten() throws {
        let fixture = try SessionFixture.joined()
        try fixture.router.emit(.verdict(Verdict(request: "abcde", allow: true)))
        #expect(try verdicts(fixture).isEmpty)
        #expect(try fixture.router.receipts.map(\.verdicts) == [["abcde"]])
    }

    @Test func whatIsMalformedIsNotAsked() throws {
        let fixture = try SessionFixture.joined()
        for parameters: JSONValue in [
            [:], ["request_id": "abcde"], ["tool_name": "Bash"], ["request_id": 7, "tool_name": "Bash"],
            ["request_id": "", "tool_name": "Bash"], ["request_id": "abcde", "tool_name": ""],
        ] {
            ask(fixture, parameters)
        }
        #expect(try fixture.router.requests.isEmpty)
    }

    @Test func aTextThatIsTooLongSaysWhatIsMissing() throws {
        let fixture = try SessionFixture.joined()
        ask(
            fixture,
            [
                "request_id": "abcde", "tool_name": "Bash",
                "input_preview": .string(String(repeating: "x", count: 20_007)),
            ])
        #expect(try fixture.router.requests.first?.preview.hasSuffix("x⋯ 7 more characters ⋯") == true)
    }

    @Test func aVerdictDoesNotWaitBehindDeliveries() throws {
        let fixture = try SessionFixture.joined()
        ask(fixture, Self.request)
        // Nothing is read: the queue of lines is full, and more deliveries wait for room.
        let large = String(repeating: "x", count: 1 << 20)
        try fixture.router.emit(.delivered((1...20).map { try Delivery.test(Int64($0), large) }))
        try fixture.router.emit(.delivered([Delivery.test(21, "waits")]))
        try fixture.router.emit(.verdict(Verdict(request: "abcde", allow: true)))
        #expect(try verdicts(fixture).count == 1)
        #expect(try !fixture.events().contains { $0["content"] == "waits" })
    }
}
