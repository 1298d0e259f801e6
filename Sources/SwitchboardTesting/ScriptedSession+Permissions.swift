public import JSON

/// Claude Code's permission prompts, as they were seen: `PreToolUse`, `PermissionRequest`, and the relayed request within
/// milliseconds.
extension ScriptedSession {
    /// A verdict as it came to Claude Code.
    public struct PermissionVerdict: Hashable, Sendable {
        public var request: String
        public var behavior: String

        public init(request: String, behavior: String) {
            self.request = request
            self.behavior = behavior
        }
    }

    /// Asks for leave. - Parameter hooks: whether hooks tell the arguments, as where they are set up.
    @discardableResult
    public func askPermission(
        _ request: String, _ tool: String = "Bash", _ input: JSONValue, about: String = "", preview: String? = nil,
        hooks: Bool = true, use: String? = nil
    ) async throws -> ToolUse? {
        var toolUse: ToolUse?
        if hooks {
            toolUse = try await preToolUse(tool, input, use: use)
            try await hook("PermissionRequest", ["tool_name": .string(tool), "tool_input": input])
        }
        try notify(
            "notifications/claude/channel/permission_request",
            [
                "request_id": .string(request), "tool_name": .string(tool), "description": .string(about),
                "input_preview": .string(preview ?? input.text),
            ])
        return toolUse
    }

    /// All verdicts so far, in order.
    public var verdicts: [PermissionVerdict] {
        notifications.filter { $0["method"]?.stringValue == "notifications/claude/channel/permission" }.map {
            PermissionVerdict(
                request: $0["params"]?["request_id"]?.stringValue ?? "",
                behavior: $0["params"]?["behavior"]?.stringValue ?? "")
        }
    }

    /// The verdicts, once there are so many.
    public func verdicts(_ count: Int, within: Duration = .seconds(30)) async throws -> [PermissionVerdict] {
        try await notification(within: within, "\(count) verdicts") {
            $0["method"]?.stringValue == "notifications/claude/channel/permission"
        } count: {
            $0 >= count
        }
        return verdicts
    }
}
