import AccessControl
import ChannelEvents
import Testing

struct AccessPolicyTests {
    private let source = SourceName("chat")!

    private func head(
        _ sender: String, _ authentication: Authentication = .platform, _ flags: EventFlags = .direct,
        kind: EventKind = .message, roles: [String] = []
    ) -> EventHead {
        EventHead(
            id: "1", chat: "c", sender: sender, kind: kind, authentication: authentication, flags: flags, roles: roles,
            time: 0)
    }

    /// Every way a sender can be known, against every policy that matters.
    @Test(arguments: [
        ("42", Authentication.platform, SourcePolicy(), Decision.refused(.unpaired)),
        ("42", .platform, SourcePolicy(directPolicy: .allowlist), .refused(.notListed)),
        ("42", .platform, SourcePolicy(allow: ["42"], directPolicy: .disabled), .refused(.directDisabled)),
        ("42", .platform, SourcePolicy(allow: ["42"]), .allowed(.listed)),
        ("42", .platform, SourcePolicy(approvers: ["42"]), .allowed(.listed)),
        ("4", .platform, SourcePolicy(allow: ["42"]), .refused(.unpaired)),
        ("42", .none, SourcePolicy(allow: ["42"]), .refused(.notListed)),
        ("42", Authentication(rawValue: "tomorrow"), SourcePolicy(allow: ["42"]), .refused(.notListed)),
        ("local:0", .loopback, SourcePolicy(), .allowed(.loopback)),
        ("local:0", .loopback, SourcePolicy(trustsLoopback: false), .refused(.notListed)),
        ("secret:ci", .secret, SourcePolicy(trustsLoopback: false), .allowed(.secret)),
        // Ids that look alike are others: Cyrillic digits and letters, a trailing space, another case.
        ("аnn", .platform, SourcePolicy(allow: ["ann"]), .refused(.unpaired)),
        ("ANN", .platform, SourcePolicy(allow: ["ann"]), .refused(.unpaired)),
        ("42 ", .platform, SourcePolicy(allow: ["42"]), .refused(.unpaired)),
        ("４２", .platform, SourcePolicy(allow: ["42"]), .refused(.unpaired)),
    ])
    func decidesDirectMessages(
        sender: String, authentication: Authentication, policy: SourcePolicy, expected: Decision
    ) {
        let access = AccessPolicy(sources: [source: policy])
        #expect(access.decide(head(sender, authentication), from: source) == expected)
    }

    @Test func nobodyIsLetInBySourcesThatNobodyConfigured() {
        #expect(!AccessPolicy().decide(head("42"), from: source).isAllowed)
        #expect(AccessPolicy().decide(head("42", .platform, .mention), from: source) == .refused(.groupOff))
    }

    @Test func oneSourcesListDoesNotCountForAnother() {
        let access = AccessPolicy(sources: [SourceName("other")!: SourcePolicy(allow: ["42"], approvers: ["42"])])
        #expect(!access.decide(head("42"), from: source).isAllowed)
        #expect(!access.isApprover(Address(source: source, id: "42")))
    }

    private static let anyone = GroupAllow(isAnyone: true)

    private static let groupCases: [(String, EventFlags, [String], GroupPolicy, Decision)] = [
        ("42", EventFlags.mention, [String](), GroupPolicy(), Decision.allowed(.listed)),
        ("42", [], [], GroupPolicy(), .refused(.notMentioned)),
        ("42", [], [], GroupPolicy(requiresMention: false), .allowed(.listed)),
        ("7", .mention, [], GroupPolicy(), .refused(.notListed)),
        ("7", .mention, [], GroupPolicy(allow: GroupAllow(ids: ["7"])), .allowed(.listed)),
        ("42", .mention, [], GroupPolicy(allow: GroupAllow(ids: ["7"])), .refused(.notListed)),
        ("42", .mention, [], GroupPolicy(allow: GroupAllow()), .refused(.notListed)),
        ("9", .mention, [], GroupPolicy(allow: anyone), .allowed(.anyone)),
        ("9", [], [], GroupPolicy(allow: anyone), .refused(.notMentioned)),
        ("9", [.mention, .bot], [], GroupPolicy(allow: anyone), .refused(.notListed)),
        ("9", .mention, ["ops"], GroupPolicy(allow: GroupAllow(roles: ["ops"])), .allowed(.role)),
        ("9", .mention, ["op"], GroupPolicy(allow: GroupAllow(roles: ["ops"])), .refused(.notListed)),
        ("ops", .mention, [], GroupPolicy(allow: GroupAllow(roles: ["ops"])), .refused(.notListed)),
        ("42", [.mention, .bot], [], GroupPolicy(), .allowed(.listed)),
    ]

    /// Groups: who, and whether it addresses us.
    @Test(arguments: groupCases)
    func decidesInGroups(
        sender: String, flags: EventFlags, roles: [String], group: GroupPolicy, expected: Decision
    ) {
        let access = AccessPolicy(sources: [source: SourcePolicy(allow: ["42"], groups: ["c": group])])
        #expect(access.decide(head(sender, .platform, flags, roles: roles), from: source) == expected)
    }

    @Test func whatIsRememberedCounts() throws {
        let pattern = try #require(MentionPattern("hey claude"))
        let group = GroupPolicy(mentionPatterns: [pattern])
        let access = AccessPolicy(sources: [source: SourcePolicy(allow: ["42"], groups: ["c": group])])
        let plain = head("42", .platform, [])
        #expect(access.decide(plain, from: source, context: .init(isAddressed: true)).isAllowed)
        #expect(access.decide(plain, from: source, context: .init(text: "Hey CLAUDE, look")).isAllowed)
        #expect(!access.decide(plain, from: source, context: .init(text: "hey, claude")).isAllowed)
        // A text makes nobody somebody else.
        #expect(!access.decide(head("7", .platform, []), from: source, context: .init(text: "hey claude")).isAllowed)
        let bot = head("42", .platform, [.mention, .bot])
        #expect(access.decide(bot, from: source, context: .init(isOverBudget: true)) == .refused(.botBudget))
    }

    @Test func thePressOfAButtonNeedsNoMention() {
        let access = AccessPolicy(sources: [source: SourcePolicy(allow: ["42"], groups: ["c": GroupPolicy()])])
        #expect(access.decide(head("42", .platform, [], kind: .callback), from: source).isAllowed)
        #expect(!access.decide(head("7", .platform, [], kind: .callback), from: source).isAllowed)
    }

    @Test func theOwnersAddressesComeFirstAmongTheApprovers() throws {
        let other = try #require(SourceName("other"))
        let ann = Person(
            name: "ann", isOwner: true,
            addresses: [
                Address(source: other, id: "a"), Address(source: source, id: "42"), Address(source: source, id: "1"),
            ])
        let bob = Person(name: "bob", addresses: [Address(source: source, id: "7")])
        let policy = AccessPolicy(
            sources: [source: SourcePolicy(approvers: ["7", "42", "5"]), other: SourcePolicy(approvers: ["a"])],
            people: [bob, ann])
        #expect(policy.approvers.map(\.description) == ["other:a", "chat:42", "chat:7", "chat:5"])
        // To be the owner makes nobody an approver.
        #expect(!policy.isApprover(Address(source: source, id: "1")))
    }

    @Test func amendmentsGoBeforeTheConfiguration() throws {
        var policy = AccessPolicy(sources: [source: SourcePolicy(allow: ["42"], approvers: ["42"])])
        policy.apply(.sender(Address(source: source, id: "42"), isListed: false))
        #expect(!policy.decide(head("42"), from: source).isAllowed)
        #expect(!policy.isApprover(Address(source: source, id: "42")))
        policy.apply(.group(source, chat: "c", GroupPolicy(requiresMention: false, allow: Self.anyone)))
        #expect(policy.decide(head("9", .platform, []), from: source).isAllowed)
        policy.apply(.group(source, chat: "c", nil))
        #expect(!policy.decide(head("9", .platform, []), from: source).isAllowed)
        policy.apply(.directPolicy(source, .disabled))
        #expect(policy.decide(head("1"), from: source) == .refused(.directDisabled))
    }
}

struct MentionPatternTests {
    @Test(arguments: [
        ("claude", "Claude?", true), ("hey*bot", "Hey there, BOT", true), ("hey*bot", "bot hey", false),
        ("a*a", "a", false), ("a*a", "aa", true), ("*x*", "wxyz", true), ("grüße", "GRÜSSE", false),
        ("grüße", "viele GRÜßE", true),
    ])
    func matches(pattern: String, text: String, expected: Bool) throws {
        #expect(try #require(MentionPattern(pattern)).matches(text) == expected)
    }

    @Test(arguments: ["", "*", "***", String(repeating: "a", count: 129)])
    func nothingIsNoPattern(_ text: String) { #expect(MentionPattern(text) == nil) }

    /// What backtracking would not survive: many stars over a text that nearly matches. Only the bounded part is looked at.
    @Test func aHostileTextCostsLittle() throws {
        let pattern = try #require(MentionPattern(String(repeating: "a*", count: 63) + "b"))
        #expect(!pattern.matches(String(repeating: "a", count: 1 << 20)))
    }
}

struct PairingCodeTests {
    @Test func aCodeIsReadBackHoweverItIsTyped() throws {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<200 {
            let code = PairingCode.make { generator.next() }
            #expect(code.utf8.count == PairingCode.length)
            #expect(PairingCode.normalized(code.uppercased()) == code)
            #expect(PairingCode.normalized(" \(code.prefix(3))-\(code.suffix(3))") == code)
            #expect(!code.contains { "01i2losz5b8uv".contains($0) }, "\(code) can be mistaken")
        }
    }

    @Test(arguments: ["", "abc", "aaaaaaa", "aaaaa0", "аaaaaa"])
    func whatIsNoCodeIsNone(_ text: String) { #expect(PairingCode.normalized(text) == nil) }

    @Test(arguments: ["@ann", "Ann B", "", "a\tb", String(repeating: "1", count: 513)])
    func namesAreNoIds(_ text: String) { #expect(SenderID.complaint(text) != nil) }
}
