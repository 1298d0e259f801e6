import AccessControl
import ChannelEvents
import Testing

struct AccessPolicyTests {
    private let source = SourceName("chat")!

    private func head(_ sender: String, _ authentication: Authentication) -> EventHead {
        EventHead(id: "1", chat: "c", sender: sender, authentication: authentication, time: 0)
    }

    /// Every way a sender can be known, against every policy that matters.
    @Test(arguments: [
        ("42", Authentication.platform, SourcePolicy(), Decision.refused(.notListed)),
        ("42", .platform, SourcePolicy(allow: ["42"]), .allowed(.listed)),
        ("4", .platform, SourcePolicy(allow: ["42"]), .refused(.notListed)),
        ("42", .none, SourcePolicy(allow: ["42"]), .refused(.notListed)),
        ("42", Authentication(rawValue: "tomorrow"), SourcePolicy(allow: ["42"]), .refused(.notListed)),
        ("local:0", .loopback, SourcePolicy(), .allowed(.loopback)),
        ("local:0", .loopback, SourcePolicy(trustsLoopback: false), .refused(.notListed)),
        ("secret:ci", .secret, SourcePolicy(trustsLoopback: false), .allowed(.secret)),
    ])
    func decides(sender: String, authentication: Authentication, policy: SourcePolicy, expected: Decision) {
        let access = AccessPolicy(sources: [source: policy])
        #expect(access.decide(head(sender, authentication), from: source) == expected)
    }

    @Test func nobodyIsLetInBySourcesThatNobodyConfigured() {
        #expect(AccessPolicy().decide(head("42", .platform), from: source) == .refused(.notListed))
    }

    @Test func oneSourcesListDoesNotCountForAnother() {
        let access = AccessPolicy(sources: [SourceName("other")!: SourcePolicy(allow: ["42"])])
        #expect(!access.decide(head("42", .platform), from: source).isAllowed)
    }
}
