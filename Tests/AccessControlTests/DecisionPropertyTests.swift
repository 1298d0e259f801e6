import AccessControl
import ChannelEvents
import SwitchboardTesting
import Testing

/// Whoever is let in has a reason that is written in the policy; found by chance over many policies and messages.
@Suite("Every decision has its reason")
struct DecisionPropertyTests {
    private let source: SourceName
    private let ids = ["1", "2", "3"]
    private let roles = ["r", "s"]

    init() throws { source = try #require(SourceName("chat")) }

    @Test func whoIsLetInIsListedSomewhere() throws {
        var random = SeededGenerator(seed: 23)
        var seen: Set<Decision.Rule> = []
        for _ in 0..<5_000 {
            let policy = try policy(&random)
            let head = head(&random)
            let context = AccessPolicy.Context(
                isAddressed: Bool.random(using: &random), isOverBudget: Bool.random(using: &random),
                text: Bool.random(using: &random) ? "hey claude, look" : "nothing")
            let decision = AccessPolicy(sources: [source: policy]).decide(head, from: source, context: context)
            seen.insert(decision.rule)
            #expect(decision.isAllowed == decision.rule.letsIn)
            let expected = mayCome(head, policy, context)
            #expect(decision.isAllowed == expected, "\(head) \(policy): \(decision)")
        }
        // All cases were met; these two belong to an administrator and to limits.
        #expect(seen == Set(Decision.Rule.allCases).subtracting([.managed, .noSession]))
    }

    /// The rules in other words, as conditions.
    private func mayCome(_ head: EventHead, _ policy: SourcePolicy, _ context: AccessPolicy.Context) -> Bool {
        if head.authentication == .secret { return true }
        if head.authentication == .loopback { return policy.trustsLoopback }
        guard head.authentication == .platform else { return false }
        let isBot = head.flags.contains(.bot)
        if isBot, context.isOverBudget { return false }
        let isListed = policy.allow.contains(head.sender) || policy.approvers.contains(head.sender)
        if head.flags.contains(.direct) { return isListed && policy.directPolicy != .disabled }
        guard let group = policy.groups[head.chat] else { return false }
        var isIn = isListed
        if let allow = group.allow {
            isIn = allow.ids.contains(head.sender) || head.roles.contains { allow.roles.contains($0) }
            if allow.isAnyone, !isBot { isIn = true }
        }
        guard isIn else { return false }
        let isWritten = head.kind == .message || head.kind == .edit
        if !group.requiresMention || !isWritten || head.flags.contains(.mention) || context.isAddressed { return true }
        return !group.mentionPatterns.isEmpty && context.text == "hey claude, look"
    }

    private func policy(_ random: inout SeededGenerator) throws -> SourcePolicy {
        let pattern = try #require(MentionPattern("hey claude*"))
        var allow: GroupAllow?
        if Bool.random(using: &random) {
            allow = GroupAllow(
                ids: some(ids, &random), roles: some(roles, &random), isAnyone: Bool.random(using: &random))
        }
        let group = GroupPolicy(
            requiresMention: Bool.random(using: &random),
            mentionPatterns: Bool.random(using: &random) ? [pattern] : [], allow: allow)
        let direct: SourcePolicy.DirectPolicy? =
            Bool.random(using: &random) ? nil : SourcePolicy.DirectPolicy.allCases.randomElement(using: &random)
        return SourcePolicy(
            allow: some(ids, &random), approvers: some(ids, &random), directPolicy: direct,
            groups: Bool.random(using: &random) ? ["g": group] : [:], trustsLoopback: Bool.random(using: &random))
    }

    private func some(_ words: [String], _ random: inout SeededGenerator) -> Set<String> {
        var chosen: Set<String> = []
        for word in words where Bool.random(using: &random) { chosen.insert(word) }
        return chosen
    }

    private func head(_ random: inout SeededGenerator) -> EventHead {
        var flags: EventFlags = []
        let all: [EventFlags] = [.direct, .mention, .bot]
        for flag in all where Bool.random(using: &random) { flags.insert(flag) }
        let authentications: [Authentication] = [
            .platform, .platform, .platform, .loopback, .secret, .none, Authentication(rawValue: "later"),
        ]
        let kinds: [EventKind] = [.message, .edit, .reaction, .callback]
        return EventHead(
            id: "1", chat: Bool.random(using: &random) ? "g" : "h",
            sender: (ids + ["4"]).randomElement(using: &random) ?? "4",
            kind: kinds.randomElement(using: &random) ?? .message,
            authentication: authentications.randomElement(using: &random) ?? .platform, flags: flags,
            roles: some(roles, &random).sorted(), time: 0)
    }
}
