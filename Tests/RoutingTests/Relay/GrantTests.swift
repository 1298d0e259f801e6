import AccessControl
import BusProtocol
import ChannelEvents
import JSON
import MessageStore
import SwitchboardTesting
import Testing

@testable import Routing

/// Grants: what a pattern covers, what no pattern covers, and that each is counted, bounded and taken back.
struct GrantTests {
    private func covers(_ pattern: String, _ command: String, _ more: JSONObject = [:]) -> Bool {
        var input: JSONObject = ["command": .string(command)]
        for member in more { input[member.key] = member.value }
        return Grant.covers(pattern, tool: "Bash", input: .object(input))
    }

    @Test(arguments: [
        ("swift test*", "swift test"), ("swift test*", "swift test --filter RoutingTests.GrantTests"),
        ("git log --oneline -*", "git log --oneline -20"), ("make -C build", "make -C build"),
        ("npm run lint*", "npm run lint -- --fix"), ("* x", "swift x"),
    ])
    func aSimpleCommandIsCovered(_ pattern: String, _ command: String) {
        // The last pair has no program written out.
        #expect(covers(pattern, command) == !pattern.hasPrefix("*"))
    }

    /// Every way that is known to make a shell do more than the words say.
    @Test(arguments: [
        "swift test; rm -rf /", "swift test;rm -rf /", "swift test && rm x", "swift test & rm x", "swift test | sh",
        "swift test || rm x", "swift test > /etc/passwd", "swift test >> x", "swift test < x", "swift test <(rm x)",
        "swift test $(rm x)", "swift test `rm x`", "swift test ${IFS}rm", "swift test $HOME", "swift test\nrm x",
        "swift test\r\nrm x", "swift test\rrm x", "swift test\u{0B}rm", "swift test\u{0C}rm", "swift test\trm",
        "swift test \\\nrm", "swift test\\;rm", "swift test 'a'", "swift test \"a\"", "swift test $'\\n'rm",
        "swift test !!", "swift test !rm", "swift test ^a^b", "swift test #x", "swift test ~root", "swift test {a,b}",
        "swift test *", "swift test ?", "swift test [a]", "swift test =ls", "swift test (a)", "(swift test)",
        "{ swift test", "swift test\u{0}rm", "swift test\u{85}rm", "swift test\u{2028}rm", "swift test\u{A0}rm",
        "swift test \u{FF1B} rm", "swift  test", " swift test", "swift test ", "PATH=/tmp swift test",
        "swift test 2>&1",
        "swift test <<EOF", "swift test <<<x", "swift tеst", "swift test \u{202E}x", "coproc swift test|x", "",
        "swift test \u{1B}[2K", "swift test\u{7F}", "swіft test",
    ])
    func shellSyntaxIsNeverCovered(_ command: String) {
        #expect(!covers("swift test*", command))
        #expect(!SimpleCommand.isSimple(command))
    }

    @Test func anotherProgramIsNotCovered() {
        for command in [
            "swiftx test", "/tmp/swift test", "./swift test", "swift build", "env swift test", "A=b swift test",
            "swift -x test", "%1 test", "Swift test", "SWIFT test",
        ] {
            #expect(!covers("swift test*", command), "\(command)")
        }
    }

    /// Arguments of the tool itself that change what may happen.
    @Test func anUnknownArgumentTakesAPerson() {
        #expect(covers("swift test", "swift test", ["timeout": 1_000, "description": "; rm -rf /"]))
        #expect(!covers("swift test", "swift test", ["dangerouslyDisableSandbox": true]))
        #expect(!covers("swift test", "swift test", ["env": ["PATH": "/tmp"]]))
        #expect(!Grant.covers("swift test", tool: "Bash", input: ["command": ["swift", "test"]]))
        #expect(!Grant.covers("swift test", tool: "Bash", input: [:]))
        #expect(!Grant.covers("swift test", tool: "Bash", input: "swift test"))
    }

    @Test(arguments: [
        "*", "swift*", "sw* test", "bash -c *", "/bin/sh *", "env *", "sudo *", "xargs *", "python3 *", "find . *",
        "ssh *",
        "swift test; *", "swift \"*\"", "", " swift", "swift test\n*", "a=b *", String(repeating: "a", count: 1_001),
    ])
    func aPatternThatAllowsAnythingIsRefused(_ pattern: String) {
        #expect(Grant.complaint(about: pattern, tool: "Bash") != nil)
        #expect(!covers(pattern, "swift test"))
    }

    @Test(arguments: [
        ("/src/api/*", "/src/api/a/b.swift", true), ("/src/api/*.swift", "/src/api/a.swift", true),
        ("/src/api/*", "/src/api/../../etc/passwd", false), ("/src/api/*", "/src/api/./a", false),
        ("/src/api/*", "/src/api//a", false), ("/src/api/*", "/src/apix/a", false), ("/src/api/*", "src/api/a", false),
        ("/src/api/*", "/src/api/.git/hooks/pre-commit", false),
        ("/src/api/*", "/src/api/.claude/settings.json", false),
        ("/src/api/.github/*", "/src/api/.github/a.yml", true), ("/src/api/*", "/src/api/a\nb", false),
        ("/src/api/*", "/src/api/a\u{0}", false), ("/src/api/*", "/src/api/ä", false), ("/*", "/src/a", false),
        ("src/*", "/src/a", false), ("/src/../*", "/src/../etc/passwd", false),
    ])
    func aPathIsCovered(_ pattern: String, _ path: String, _ isCovered: Bool) {
        #expect(Grant.covers(pattern, tool: "Write", input: ["file_path": .string(path), "content": ""]) == isCovered)
    }

    @Test func otherToolsAreNotGranted() {
        #expect(Grant.complaint(about: "https://example.org/*", tool: "WebFetch") != nil)
        #expect(Grant.complaint(about: "x", tool: "mcp__shop__buy") != nil)
    }

    // MARK: In the router

    private static let on = PermissionSettings(allowsGrants: true)

    private func give(_ relay: RelayFixture, _ more: JSONObject = [:]) throws -> Answer.Outcome {
        var arguments: JSONObject = [
            "session": "api", "tool": "Bash", "matches": "swift test*", "for": 60_000, "count": 2,
        ]
        for member in more { arguments[member.key] = member.value }
        return try relay.ask("access.grant", .object(arguments))
    }

    private func code(_ outcome: Answer.Outcome) -> String {
        if case .failure(let code, _) = outcome { return code }
        return ""
    }

    @Test func aGrantAnswersByItselfAndIsCounted() throws {
        let relay = try RelayFixture(permissions: Self.on)
        _ = try give(relay)
        try relay.askWithHooks("aaaaa")
        #expect(relay.verdicts["api"] == [Verdict(request: "aaaaa", allow: true)])
        #expect(relay.cards(of: "ann").isEmpty)
        #expect(try relay.audit().first { $0.entry.kind == "grant-used" }?.entry.rule == "grant 1, 1 left")
        try relay.restart()
        try relay.attach(next: 100)
        try relay.router.attachEndpoint("api")
        try relay.askWithHooks("bbbbb", use: "toolu_2")
        #expect(relay.verdicts["api"] == [Verdict(request: "bbbbb", allow: true)])
        // Used up.
        try relay.askWithHooks("ccccc", use: "toolu_3")
        #expect(relay.cards(of: "ann").count == 1)
        #expect(try relay.status()["grants"]?.arrayValue?.isEmpty == true)
    }

    @Test func itExpiresAndIsRevoked() throws {
        let relay = try RelayFixture(permissions: Self.on)
        _ = try give(relay)
        relay.router.pass(60_000)
        try relay.attach(next: 50)
        try relay.router.attachEndpoint("api")
        try relay.askWithHooks("aaaaa")
        #expect(relay.verdicts["api"] == nil)

        _ = try give(relay)
        #expect(try relay.status()["grants"]?.arrayValue?.count == 1)
        _ = try relay.ask("access.revoke", ["grant": 2])
        try relay.askWithHooks("bbbbb", use: "toolu_2")
        #expect(relay.verdicts["api"] == nil)
        #expect(code(try relay.ask("access.revoke", ["grant": 2])) == "not-found")
        #expect(try relay.auditKinds().filter { $0.hasPrefix("grant") } == ["grant", "grant", "grant-revoked"])
    }

    @Test func withoutAHookNoGrantApplies() throws {
        let relay = try RelayFixture(permissions: Self.on)
        _ = try give(relay, ["count": 100])
        try relay.ask("aaaaa")
        #expect(relay.cards(of: "ann").count == 1)
        // PreToolUse alone shows the call, and is no proof that it is this one.
        try relay.hook(
            "PreToolUse", ["tool_name": "Bash", "tool_use_id": "toolu_1", "tool_input": ["command": "swift test"]])
        try relay.ask("bbbbb")
        try relay.pass(301)
        #expect(relay.cards(of: "ann").count == 2)
        // Arguments that do not agree with what is asked for.
        try relay.hook("PermissionRequest", ["tool_name": "Bash", "tool_input": ["command": "swift test"]])
        try relay.ask("ccccc", input: ["command": "rm -rf /"])
        try relay.pass(301)
        #expect(relay.cards(of: "ann").last?.card.text.contains("rm -rf /") == true)
        // An abridged text could be another call's.
        try relay.hook("PermissionRequest", ["tool_name": "Bash", "tool_input": ["command": "swift test --x"]])
        try relay.ask("ddddd", preview: #"{"command":"swift ⋯ 4 characters ⋯ --x"}"#)
        try relay.pass(301)
        #expect(relay.verdicts["api"] == nil)
    }

    @Test func anotherSessionHasNoPartInIt() throws {
        let relay = try RelayFixture(permissions: Self.on)
        try relay.session("web")
        _ = try give(relay)
        try relay.askWithHooks("aaaaa", in: "web")
        #expect(relay.verdicts["web"] == nil)
    }

    @Test func whereGrantsAreOffNoneIsGivenOrUsed() throws {
        let relay = try RelayFixture()
        #expect(code(try give(relay)) == "not-allowed")
        try relay.askWithHooks()
        #expect(try relay.card(of: "ann").card.buttons.keys.sorted() == ["Allow", "Deny"])
    }

    @Test func twoPeopleAreNotReplacedByAGrant() throws {
        let relay = try RelayFixture(
            permissions: PermissionSettings(allowsGrants: true, twoPerson: ["Bash"]))
        #expect(code(try give(relay)) == "not-allowed")
        try relay.askWithHooks()
        #expect(try relay.card(of: "ann").card.buttons.keys.sorted() == ["Allow", "Deny"])
    }

    @Test func aButtonGrantsThisVeryCall() throws {
        let relay = try RelayFixture(permissions: Self.on)
        try relay.askWithHooks("aaaaa")
        let (message, card) = try relay.card(of: "bob")
        let label = try #require(card.buttons.keys.first { $0.hasPrefix("Allow this") })
        #expect(try relay.press(try #require(card.buttons[label]), of: message, by: "bob")?.contains("again") == true)
        try relay.askWithHooks("bbbbb", use: "toolu_2")
        #expect(relay.verdicts["api"]?.map(\.request) == ["aaaaa", "bbbbb"])
        try relay.askWithHooks("ccccc", input: ["command": "swift test --filter A"], use: "toolu_3")
        #expect(relay.verdicts["api"]?.count == 2)
        // Who may approve no longer has granted nothing.
        _ = try relay.ask("access.approver", ["source": "chat", "id": "bob", "listed": false])
        try relay.askWithHooks("ddddd", use: "toolu_4")
        #expect(relay.verdicts["api"]?.count == 2)
    }

    @Test func whatCannotBeGrantedHasNoButton() throws {
        let relay = try RelayFixture(permissions: Self.on)
        try relay.askWithHooks("aaaaa", input: ["command": "swift test | tee log"])
        #expect(try relay.card(of: "ann").card.buttons.keys.sorted() == ["Allow", "Deny"])
        let (message, card) = try relay.card(of: "ann")
        let allow = try #require(card.buttons["Allow"])
        let forged = String(allow.dropLast()) + "g"
        #expect(try relay.press(forged, of: message, by: "ann")?.hasPrefix("Grants are off") == true)
        #expect(relay.verdicts["api"] == nil)
    }

    /// Whatever is granted and asked: what runs without a person is one simple command that begins as the pattern does.
    @Test func nothingButPlainWordsIsEverCovered() {
        var random = SeededGenerator(seed: 20_261_125)
        let pieces = [
            "swift", "test", " ", "--x", ";", "|", "$(", ")", "`", "\n", "'", "*", "a=b", ">", "é", "/", "..",
        ]
        for _ in 0..<20_000 {
            let command = (0..<Int.random(in: 1...7, using: &random)).map { _ in
                pieces.randomElement(using: &random) ?? ""
            }.joined()
            guard covers("swift test*", command) else { continue }
            #expect(command.hasPrefix("swift test"))
            #expect(
                command.utf8.allSatisfy { byte in
                    byte == 0x20 || (0x61...0x7A).contains(byte) || "-./=".utf8.contains(byte)
                })
        }
    }
}
