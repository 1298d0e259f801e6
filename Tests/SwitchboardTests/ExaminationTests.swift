import Foundation
import OperatingHome
import SwitchboardTesting
import Testing

@testable import switchboard

/// The looks of `switchboard doctor` that need no process.
@Suite struct ExaminationTests {
    private static func examination(_ environment: [String: String] = [:]) -> Examination {
        Examination(places: Places(home: "/nonexistent"), environment: environment)
    }

    @Test(arguments: [
        (#"{"channelsEnabled": false}"#, [Finding.Grade.broken]), (#"{"channelsEnabled": true}"#, [.good]),
        ("{}", [.notice]),
        (#"{"channelsEnabled": true, "allowedChannelPlugins": []}"#, [.good, .notice]), ("{", [.notice]),
    ])
    func anOrganisationsPolicyIsNamed(_ text: String, _ grades: [Finding.Grade]) throws {
        let folder = try TemporaryFolder()
        let file = folder.path + "/managed-settings.json"
        try Data(text.utf8).write(to: URL(fileURLWithPath: file))
        var examination = Self.examination()
        try examination.examinePolicy(file)
        #expect(examination.findings.map(\.grade) == grades)
    }

    @Test func noPolicyIsNoFinding() throws {
        var examination = Self.examination()
        try examination.examinePolicy("/nonexistent/managed-settings.json")
        #expect(examination.findings.isEmpty)
    }

    @Test(arguments: [
        (#"{"mcpServers": {"sb": {"command": "/bin/sh/switchboard", "args": ["mcp"]}}}"#, Finding.Grade.broken),
        (#"{"mcpServers": {"other": {"command": "node", "args": ["x"]}}}"#, .notice),
        (#"{"mcpServers": {"sb": {"command": "switchboard", "args": ["mcp"]}}}"#, .good), ("[", .broken),
    ])
    func theProjectsServersAreRead(_ text: String, _ grade: Finding.Grade) throws {
        let folder = try TemporaryFolder()
        try Data(text.utf8).write(to: URL(fileURLWithPath: folder.path + "/.mcp.json"))
        var examination = Self.examination()
        try examination.examineProject(environment: ["CLAUDE_PROJECT_DIR": folder.path])
        #expect(examination.findings.map(\.grade) == [grade])
        #expect(grade == .good || examination.findings.allSatisfy { !$0.mend.isEmpty })
    }

    @Test func whatIsThrownIsAFinding() {
        var examination = Self.examination()
        examination.look(at: "x") { _ in throw CommandFailure("it broke") }
        #expect(examination.findings == [Finding(subject: "x", grade: .broken, message: "it broke")])
        #expect(!examination.isWell)
    }

    @Test func aLineIsALine() {
        let finding = Finding(subject: "source a", grade: .broken, message: "no\n\u{1B}[2Jway", mend: "mend it")
        #expect(finding.text == "MEND  source a: no  [2Jway\n      → mend it")
    }
}
