public import AccessControl
import ChannelEvents
import JSON
public import OperatingHome
import Yams

/// What a machine's administrator lays down for every Switchboard on it. It only takes away; no key of
/// `switchboard.yaml`, no command and no environment gives any of it back.
public struct ManagedPolicy: Hashable, Sendable {
    /// `false` switches Switchboard off.
    public var isEnabled: Bool
    public var ceiling: AccessCeiling
    /// `access allow`, `send`, `/use`: commands that nobody may use.
    public var forbiddenCommands: Set<String>
    /// Where it stands.
    public var files: [String]

    /// The administrator's file; root's alone.
    public static let systemFile = "/etc/switchboard/policy.yaml"
    /// Names one more file, which binds beside the administrator's. Because a policy only takes away, this can only
    /// bind more, which is why everybody may set it: tests, and people who bind themselves.
    public static let extraFileVariable = "SWITCHBOARD_EXTRA_POLICY"

    /// What holds on this machine; `nil` when nothing does.
    /// - Throws: ``ConfigurationError`` when a file is there and cannot be read, belongs to somebody else, or is wrong:
    ///   nothing starts then.
    public static func load(
        systemFile: String = systemFile, extraFile: String? = ProcessEnvironment.value(extraFileVariable)
    ) throws(ConfigurationError) -> ManagedPolicy? {
        var policy: ManagedPolicy?
        for (file, isAdministrators) in [(systemFile, true), (extraFile ?? "", false)] where !file.isEmpty {
            let bytes: [UInt8]?
            do {
                bytes =
                    try isAdministrators
                    ? AdministratorFile.read(file, limit: 1 << 20) : SmallFile.read(file, limit: 1 << 20)
            } catch {
                throw ConfigurationError(file: file, problems: [ConfigurationProblem(.file, key: "", error.message)])
            }
            guard let bytes else { continue }
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw ConfigurationError(
                    file: file, problems: [ConfigurationProblem(.syntax, key: "", "the file is not UTF-8 text")])
            }
            let one = try ManagedPolicy(yaml: text, file: file)
            policy = policy?.joined(with: one) ?? one
        }
        return policy
    }

    /// Reads a text.
    /// - Parameter file: its name, for errors.
    public init(yaml: String, file: String) throws(ConfigurationError) {
        let table = ConfigurationType.object(Self.table)
        var value: JSONValue = [:]
        if let root = try Configuration.compose(yaml, file: file) {
            var reader = ConfigurationReader()
            let read = reader.read(root, table, path: "")
            guard reader.problems.isEmpty, let read else {
                throw ConfigurationError(file: file, problems: reader.problems)
            }
            value = read
        }
        isEnabled = value["enabled"]?.boolValue ?? true
        ceiling = AccessCeiling(
            kinds: (value["adapters"]?.arrayValue).map { Set($0.compactMap(\.stringValue)) },
            senders: Self.ids(value["senders"]), groups: Self.ids(value["groups"]),
            approvers: Self.ids(value["approvers"]), allowsLoopback: value["trust_loopback"]?.boolValue ?? true)
        forbiddenCommands = Set((value["forbidden_commands"]?.arrayValue ?? []).compactMap(\.stringValue))
        files = [file]
    }

    func joined(with other: ManagedPolicy) -> ManagedPolicy {
        var policy = self
        policy.isEnabled = isEnabled && other.isEnabled
        policy.ceiling = ceiling.lowered(to: other.ceiling)
        policy.forbiddenCommands.formUnion(other.forbiddenCommands)
        policy.files += other.files
        return policy
    }

    private static func ids(_ value: JSONValue?) -> [String: Set<String>]? {
        guard let entries = value?.objectValue else { return nil }
        return Dictionary(
            entries.map { ($0.key, Set(($0.value.arrayValue ?? []).compactMap(\.stringValue))) },
            uniquingKeysWith: { first, _ in first })
    }

    /// In a few words, for `config check` and the log.
    public var summary: String {
        guard isEnabled else { return "switches Switchboard off" }
        var parts: [String] = []
        if let kinds = ceiling.kinds { parts.append("adapters: \(Self.listed(kinds))") }
        for (name, ids) in [
            ("senders", ceiling.senders), ("groups", ceiling.groups), ("approvers", ceiling.approvers),
        ] {
            guard let ids else { continue }
            parts.append("\(name): \(Self.listed(Set(ids.filter { !$0.value.isEmpty }.keys), suffix: " by id"))")
        }
        if !ceiling.allowsLoopback { parts.append("no trust in local processes") }
        if !forbiddenCommands.isEmpty { parts.append("forbidden: \(Self.listed(forbiddenCommands))") }
        return parts.isEmpty ? "limits nothing" : parts.joined(separator: "; ")
    }

    private static func listed(_ words: Set<String>, suffix: String = "") -> String {
        words.isEmpty ? "none" : words.sorted().map { $0 + suffix }.joined(separator: ", ")
    }

    static let table: [ConfigurationKey] = [
        ConfigurationKey("enabled", .flag, "`false` switches Switchboard off for everybody on this machine."),
        ConfigurationKey("adapters", .list(.text(.kind)), "Kinds of adapters that may run; all without it."),
        ConfigurationKey(
            "senders", .entries(.kind, .list(.text(.sender))),
            "Permanent ids that may be let in, per kind of adapter; with it, nobody of a kind that is not named."),
        ConfigurationKey(
            "groups", .entries(.kind, .list(.text(.identifier))), "Groups that may be on, per kind of adapter."),
        ConfigurationKey(
            "approvers", .entries(.kind, .list(.text(.sender))),
            "Permanent ids that may answer permission prompts, per kind of adapter; `{}` is nobody."),
        ConfigurationKey(
            "trust_loopback", .flag, "`false`: processes of the user's own are let in no more than others."),
        ConfigurationKey(
            "forbidden_commands", .list(.choice(commands)), "Commands that nobody may use, chat commands with `/`."),
    ]

    /// What the router is asked for, and so can refuse.
    private static let commands = [
        "access", "access list", "access pair", "access deny", "access allow", "access remove", "access approver",
        "access group", "access policy", "access audit", "access grant", "status", "sessions", "routes", "explain",
        "history", "inbox", "send", "replay", "deadletters", "forget", "/help", "/status", "/sessions", "/use",
        "/where", "/inbox", "/why", "/stop", "/start", "/new",
    ]
}
