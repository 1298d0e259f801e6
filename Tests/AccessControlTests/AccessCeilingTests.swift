import AccessControl
import ChannelEvents
import SwitchboardTesting
import Testing

@Suite("What an administrator allows at most")
struct AccessCeilingTests {
    private let chat: SourceName
    private let work: SourceName

    init() throws {
        chat = try #require(SourceName("chat"))
        work = try #require(SourceName("chat-work"))
    }

    private func head(
        _ sender: String, _ authentication: Authentication = .platform, _ flags: EventFlags = .direct,
        in room: String = "g"
    ) -> EventHead {
        EventHead(id: "1", chat: room, sender: sender, authentication: authentication, flags: flags, time: 0)
    }

    @Test("Nobody is let in by it, and who is not in it is not let in by a list, a role, or `anyone`")
    func takesAway() {
        let open = GroupPolicy(requiresMention: false, allow: GroupAllow(roles: ["r"], isAnyone: true))
        var access = AccessPolicy(sources: [
            chat: SourcePolicy(allow: ["1", "2"], approvers: ["1", "2"], groups: ["g": open, "h": open])
        ])
        access.ceiling = AccessCeiling(
            senders: ["chat": ["1", "9"]], groups: ["chat": ["g"]], approvers: ["chat": ["9"]])
        #expect(access.decide(head("1"), from: chat) == .allowed(.listed))
        #expect(access.decide(head("2"), from: chat) == .refused(.managed))
        #expect(access.decide(head("9"), from: chat) == .refused(.unpaired))
        #expect(access.decide(head("2", .platform, []), from: chat) == .refused(.managed))
        #expect(access.decide(head("1", .platform, []), from: chat).isAllowed)
        #expect(access.decide(head("1", .platform, [], in: "h"), from: chat) == .refused(.managed))
        #expect(access.approvers.isEmpty)
        #expect(!access.isApprover(Address(source: chat, id: "1")))
        #expect(access.mayReach(Conversation(source: chat, chat: "d"), direct: "1"))
        #expect(!access.mayReach(Conversation(source: chat, chat: "d"), direct: "2"))
        #expect(!access.mayReach(Conversation(source: chat, chat: "h"), direct: nil))
    }

    @Test("It speaks of the adapter's kind: another name for a source is no way around it")
    func kinds() {
        var access = AccessPolicy(sources: [
            work: SourcePolicy(allow: ["1"], approvers: ["1"]), chat: SourcePolicy(allow: ["1"]),
        ])
        access.kinds = [work: "telegraph"]
        access.ceiling = AccessCeiling(kinds: ["chat"], allowsLoopback: false)
        #expect(access.decide(head("1"), from: work) == .refused(.managed))
        #expect(access.decide(head("1", .secret), from: work) == .refused(.managed))
        #expect(!access.isApprover(Address(source: work, id: "1")))
        #expect(access.decide(head("1"), from: chat) == .allowed(.listed))
        #expect(access.decide(head("local:0", .loopback), from: chat) == .refused(.managed))
        #expect(access.decide(head("1", .secret), from: chat) == .allowed(.secret))
    }

    /// Two policies allow what both allow, and no policy allows more than none.
    @Test func neverGives() {
        var random = SeededGenerator(seed: 5)
        let ids = ["1", "2", "3"]
        func some() -> Set<String> { Set(ids.filter { _ in Bool.random(using: &random) }) }
        func ceiling() -> AccessCeiling {
            func perKind() -> [String: Set<String>]? {
                switch Int.random(in: 0...3, using: &random) {
                case 0: nil
                case 1: [:]
                default: ["chat": some()]
                }
            }
            return AccessCeiling(
                kinds: Bool.random(using: &random) ? nil : Bool.random(using: &random) ? ["chat"] : [],
                senders: perKind(), groups: perKind(), approvers: perKind(),
                allowsLoopback: Bool.random(using: &random))
        }
        for _ in 0..<1_000 {
            let rules = SourcePolicy(
                allow: some(), approvers: some(),
                groups: ["1": GroupPolicy(requiresMention: false, allow: GroupAllow(isAnyone: true))])
            let free = AccessPolicy(sources: [chat: rules])
            let (one, other) = (ceiling(), ceiling())
            func bound(_ ceiling: AccessCeiling) -> AccessPolicy {
                var access = free
                access.ceiling = ceiling
                return access
            }
            let both = bound(one.lowered(to: other))
            for id in ids {
                for authentication in [Authentication.platform, .loopback, .secret] {
                    for flags in [EventFlags.direct, []] {
                        let head = head(id, authentication, flags, in: "1")
                        let isAllowed = [free, bound(one), bound(other)].allSatisfy {
                            $0.decide(head, from: chat).isAllowed
                        }
                        #expect(both.decide(head, from: chat).isAllowed == isAllowed)
                    }
                }
                let address = Address(source: chat, id: id)
                #expect(
                    both.isApprover(address)
                        == [free, bound(one), bound(other)].allSatisfy { $0.isApprover(address) })
            }
        }
    }

    @Test("While access is static nobody is offered a code that nobody could use")
    func staticOffersNoCodes() {
        var access = AccessPolicy()
        #expect(access.decide(head("1"), from: chat) == .refused(.unpaired))
        access.isStatic = true
        #expect(access.decide(head("1"), from: chat) == .refused(.notListed))
    }
}
