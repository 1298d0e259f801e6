import JSON

/// What a hook is told without asking the router.
enum HookDecision {
    /// Where the router may have something to say: a reminder, a stop, a prompt that it answers.
    static func asksRouter(_ name: String) -> Bool { name == "PreToolUse" || name == "Stop" }

    /// The hook's answer, or `nil` where nothing is decided here.
    /// - Parameter isAwayFromTerminal: the turn came from the channel alone.
    static func decide(_ hook: HookCall, inboxFolder: String?, isAwayFromTerminal: Bool) -> JSONValue? {
        guard hook.name == "PreToolUse", let tool = hook.tool else { return nil }
        if isOwn(tool) || isRead(tool, hook.toolInput, in: inboxFolder) { return permission("allow") }
        if tool == "AskUserQuestion", isAwayFromTerminal {
            return permission(
                "deny",
                """
                Whoever asked is not at this terminal and would never see the question. Ask in their chat instead: use \
                the Switchboard tool `ask`, or `reply` with the choices, and end your turn; the answer comes as a message.
                """)
        }
        return nil
    }

    private static func permission(_ decision: String, _ reason: String? = nil) -> JSONValue {
        var output: JSONObject = ["hookEventName": "PreToolUse", "permissionDecision": .string(decision)]
        if let reason { output["permissionDecisionReason"] = .string(reason) }
        return ["hookSpecificOutput": .object(output)]
    }

    /// Claude Code calls a server's tools `mcp__SERVER__TOOL`, a plugin's `mcp__plugin_PLUGIN_SERVER__TOOL`. Only the
    /// names that our own set-up gives count: a server that merely sounds like it is somebody else's.
    private static func isOwn(_ tool: String) -> Bool {
        for prefix in ["mcp__switchboard__", "mcp__plugin_switchboard_switchboard__"] where tool.hasPrefix(prefix) {
            return ChannelTools.names.contains(String(tool.dropFirst(prefix.count)))
        }
        return false
    }

    private static func isRead(_ tool: String, _ input: JSONValue?, in folder: String?) -> Bool {
        guard tool == "Read", let folder, let path = input?["file_path"]?.stringValue else { return false }
        return path.hasPrefix(folder + "/") && !path.contains("\0")
            && !path.split(separator: "/").contains { $0 == ".." || $0 == "." }
    }
}
