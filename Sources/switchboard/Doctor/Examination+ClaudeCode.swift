import JSON
import OperatingHome

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// What can keep Claude Code from giving a channel's messages to the model. It drops them without a word then, so that
/// the causes that can be seen from outside are named here. They are those of Claude Code's channel documentation:
/// organisation policy, the provider, a feature switch, the launch flag, the project's list of servers.
extension Examination {
    mutating func examineClaudeCode() {
        look(at: "claude") { try $0.examineProgram() }
        examineProvider()
        look(at: "claude policy") { try $0.examinePolicy(Self.policyFile) }
        look(at: "project") { try $0.examineProject(environment: $0.environment) }
    }

    private mutating func examineProgram() throws {
        if let program = try ProgramFinder.find("claude") {
            note(.good, "claude", program)
        } else {
            note(.notice, "claude", "Claude Code is not on PATH here", mend: "install it, or ignore this on a server")
        }
    }

    /// Variables of Claude Code's environment that turn channels off, by what they mean.
    static let providers = [
        "CLAUDE_CODE_USE_BEDROCK": "Amazon Bedrock", "CLAUDE_CODE_USE_VERTEX": "Google Cloud",
        "CLAUDE_CODE_USE_FOUNDRY": "Microsoft Foundry",
    ]
    static let trafficSwitches = ["CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "DISABLE_TELEMETRY"]

    private mutating func examineProvider() {
        for (variable, provider) in Self.providers.sorted(by: { $0.key < $1.key }) where isSet(variable) {
            note(
                .broken, "claude", "\(variable) is set: Claude Code has no channels with \(provider)",
                mend: "start that session without it; `inbox` works there all the same")
        }
        for variable in Self.trafficSwitches where isSet(variable) {
            note(
                .notice, "claude", "\(variable) is set: Claude Code may then not learn that channels are switched on",
                mend: "if messages do not arrive, start the session without it")
        }
    }

    private func isSet(_ variable: String) -> Bool {
        !["", "0", "false"].contains(environment[variable] ?? "")
    }

    #if os(macOS)
        static let policyFile = "/Library/Application Support/ClaudeCode/managed-settings.json"
    #else
        static let policyFile = "/etc/claude-code/managed-settings.json"
    #endif

    mutating func examinePolicy(_ file: String) throws {
        guard let bytes = try SmallFile.read(file, limit: 1 << 20) else { return }
        let policy: JSONValue
        do { policy = try JSONValue(parsing: bytes) } catch {
            return note(.notice, "claude policy", "\(file) cannot be read as JSON: \(error)")
        }
        switch policy["channelsEnabled"]?.boolValue {
        case false:
            note(
                .broken, "claude policy", "\(file) switches channels off (channelsEnabled)",
                mend: "ask whoever manages this machine; until then Claude can pull with `inbox`")
        case nil:
            note(
                .notice, "claude policy", "\(file) does not set channelsEnabled",
                mend: "organisations with managed settings need channelsEnabled: true")
        default: note(.good, "claude policy", "channels are switched on by \(file)")
        }
        if policy["allowedChannelPlugins"]?.arrayValue != nil {
            note(
                .notice, "claude policy", "\(file) lists the channel plugins that may be loaded",
                mend: "a server from .mcp.json is not one of them; ask for this one to be listed")
        }
    }

    mutating func examineProject(environment: [String: String]) throws {
        let folder = environment["CLAUDE_PROJECT_DIR"] ?? environment["PWD"] ?? "."
        let file = folder + "/.mcp.json"
        guard let bytes = try SmallFile.read(file, limit: 1 << 20) else { return }
        let list: JSONValue
        do { list = try JSONValue(parsing: bytes) } catch {
            return note(
                .broken, "project", "\(file) is not JSON: \(error)", mend: "mend it: Claude Code starts no server")
        }
        let servers = list["mcpServers"]?.objectValue ?? JSONObject()
        guard let server = servers.first(where: { Self.isOurs($0.value) }) else {
            return note(
                .notice, "project", "\(file) does not name Switchboard",
                mend: "add \"switchboard\": {\"command\": \"\(try ProgramFinder.ownPath())\", \"args\": [\"mcp\"]}")
        }
        let command = server.value["command"]?.stringValue ?? ""
        if command.hasPrefix("/"), access(command, X_OK) != 0 {
            note(
                .broken, "project", "\(file): there is no program \(command)",
                mend: "write \(try ProgramFinder.ownPath())")
        } else {
            note(
                .good, "project",
                "\(file) has it as \"\(server.key)\"; start with: claude --dangerously-load-development-channels server:\(server.key)"
            )
        }
    }

    private static func isOurs(_ server: JSONValue) -> Bool {
        let command = server["command"]?.stringValue ?? ""
        let arguments = (server["args"]?.arrayValue ?? []).compactMap(\.stringValue)
        return arguments.first == "mcp" && (command == "switchboard" || command.hasSuffix("/switchboard"))
    }
}
