import AccessControl
import ChannelEvents
import JSON
import OperatingHome
import SwitchboardTesting
import Testing

@testable import OperatingConfiguration

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

@Suite("The administrator's policy")
struct ManagedPolicyTests {
    private func write(_ text: String, to path: String) throws {
        let file = try #require(fopen(path, "w"))
        defer { fclose(file) }
        try #require(fputs(text, file) >= 0)
    }

    private func policy(_ yaml: String) throws -> ManagedPolicy { try ManagedPolicy(yaml: yaml, file: "policy.yaml") }

    @Test func allOfItIsRead() throws {
        let policy = try policy(
            """
            enabled: true
            adapters: [webhook, telegraph]
            senders: { telegraph: [42] }
            groups: { telegraph: ["-100"] }
            approvers: {}
            trust_loopback: false
            forbidden_commands: [access allow, send, /use]
            """)
        #expect(policy.isEnabled)
        #expect(policy.ceiling.kinds == ["webhook", "telegraph"])
        #expect(policy.ceiling.senders == ["telegraph": ["42"]])
        #expect(policy.ceiling.groups == ["telegraph": ["-100"]])
        #expect(policy.ceiling.approvers == [:])
        #expect(!policy.ceiling.allowsLoopback)
        #expect(policy.forbiddenCommands == ["access allow", "send", "/use"])
        #expect(policy.summary.contains("approvers: none"))
        #expect(try !self.policy("enabled: false").isEnabled)
    }

    @Test func nothingSaidIsNothingForbidden() throws {
        for yaml in ["", "{}", "# a comment"] {
            #expect(try policy(yaml).ceiling == AccessCeiling())
            #expect(try policy(yaml).isEnabled)
        }
    }

    @Test(arguments: [
        ("enable: false", "`enabled`"), ("senders: [1]", "keys"), ("senders: { telegraph: [\"@ann\"] }", "is a name"),
        ("forbidden_commands: [acces]", "expected one of"), ("enabled: maybe", "true or false"), ("- a", "keys"),
    ])
    func aMistakeIsAnErrorNotAHole(_ yaml: String, words: String) {
        do throws(ConfigurationError) {
            _ = try ManagedPolicy(yaml: yaml, file: "policy.yaml")
            Issue.record("\(yaml) was taken")
        } catch {
            #expect(error.problems.contains { $0.text.contains(words) }, "\(error)")
        }
    }

    @Test("The file that everybody can name binds beside the administrator's, never in its place")
    func theExtraFileOnlyBindsMore() throws {
        let folder = try TemporaryFolder()
        func file(_ name: String, _ text: String) throws -> String {
            let path = "\(folder.path)/\(name)"
            try write(text, to: path)
            return path
        }
        let strict = try file("strict.yaml", "senders: { chat: [1, 2] }\nforbidden_commands: [send]")
        let lax = try file("lax.yaml", "senders: { chat: [2, 3] }\napprovers: { chat: [3] }")
        let only = try #require(try ManagedPolicy.load(systemFile: "/nowhere/policy.yaml", extraFile: strict))
        #expect(only.ceiling.senders == ["chat": ["1", "2"]])
        #expect(try ManagedPolicy.load(systemFile: "/nowhere/policy.yaml", extraFile: "/nowhere/more") == nil)
        // In the administrator's place stands what anybody could have written: nothing starts.
        if geteuid() != 0 {
            #expect(throws: ConfigurationError.self) {
                _ = try ManagedPolicy.load(systemFile: strict, extraFile: lax)
            }
        }
        let both = try #require(
            try ManagedPolicy.load(systemFile: "/nowhere/policy.yaml", extraFile: strict)
        ).joined(
            with: try #require(try ManagedPolicy.load(systemFile: "/nowhere/policy.yaml", extraFile: lax)))
        #expect(both.ceiling.senders == ["chat": ["2"]])
        #expect(both.ceiling.approvers == ["chat": ["3"]])
        #expect(both.forbiddenCommands == ["send"])
    }

    @Test func anAdministratorsFileThatOthersCouldWriteIsRefused() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/policy.yaml"
        try write("enabled: true", to: path)
        #expect(chmod(path, 0o666) == 0)
        do throws(ConfigurationError) {
            _ = try ManagedPolicy.load(systemFile: path, extraFile: nil)
            Issue.record("it was followed")
        } catch {
            #expect(error.problems.first?.text.contains("root") == true)
        }
    }

    @Test func anAdapterOfAForbiddenKindDoesNotRun() throws {
        var configuration = try Configuration(
            yaml: "adapters: { webhook: {}, mine: { kind: telegraph } }", file: "test.yaml")
        configuration.bind(by: try policy("adapters: [webhook]"))
        #expect(configuration.adapters.map(\.isEnabled) == [true, false])
        #expect(configuration.effective["adapters"]?["mine"]?["enabled"] == false)
    }

    @Test(
        "`access: static` and `static: true` in it are the same to the commands",
        arguments: [
            ("access: static", true, 0), ("access: { static: true, webhook: { allow: [\"1\"] } }", true, 1),
            ("access: { webhook: { allow: [\"1\"] } }", false, 1), ("", false, 0),
        ])
    func staticAccess(_ yaml: String, isStatic: Bool, sources: Int) throws {
        let configuration = try Configuration(yaml: yaml, file: "test.yaml")
        #expect(configuration.isAccessStatic == isStatic)
        #expect(configuration.access.sources.count == sources)
        let again = try Configuration(yaml: configuration.effective.text, file: "shown.yaml")
        #expect(again == configuration)
    }
}
