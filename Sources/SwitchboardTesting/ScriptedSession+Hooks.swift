public import JSON

/// Claude Code's hooks, as `mcp_tool` hooks were seen to call them: over the session's own connection, each waiting for
/// its answer before Claude Code goes on.
///
/// A turn as the observed CLI runs it:
///
///     let event = try await session.channelEvents(1)[0]
///     try await session.submit(event)                                   // UserPromptSubmit, with the whole tag
///     let use = try await session.preToolUse("Bash", ["command": "ls"]) // PreToolUse, gives its answer
///     try await session.postToolUse(use)                                // PostToolUse
///     let answer = try await session.stop("all is well")                // Stop, gives its answer
extension ScriptedSession {
    /// A tool that was begun, and what the hook said about it.
    public struct ToolUse: Sendable {
        public var id: String
        public var tool: String
        public var input: JSONValue
        /// The answer of the `PreToolUse` hook; `{}` lets Claude Code decide.
        public var answer: JSONValue
    }

    /// Runs one hook. - Returns: its answer, the JSON that Claude Code would read.
    @discardableResult
    public func hook(_ name: String, _ members: JSONObject = [:], within: Duration = .seconds(30)) async throws
        -> JSONValue
    {
        let id = try beginHook(name, members)
        let answer = try await response(to: id, within: within)
        guard let text = answer["result"]?["content"]?.arrayValue?.first?["text"]?.stringValue, !text.isEmpty else {
            throw Failure(description: "\(name): \(answer.text)")
        }
        return try JSONValue(parsing: Array(text.utf8))
    }

    /// Begins a hook without waiting for its answer.
    public func beginHook(_ name: String, _ members: JSONObject = [:]) throws(Failure) -> JSONValue {
        var arguments: JSONObject = ["hook_event_name": .string(name)]
        arguments["session_id"] = .string("5e551011-\(pid)")
        for member in members { arguments[member.key] = member.value }
        return try request("tools/call", ["name": "hook", "arguments": .object(arguments)])
    }

    /// `UserPromptSubmit` of a channel event: Claude has it now.
    @discardableResult
    public func submit(_ event: ChannelEvent, prompt: String? = nil) async throws -> JSONValue {
        try await submit(text: event.tag, prompt: prompt)
    }

    /// `UserPromptSubmit` of what a person typed, or of any other text.
    @discardableResult
    public func submit(text: String, prompt: String? = nil) async throws -> JSONValue {
        var members: JSONObject = ["prompt": .string(text)]
        if let prompt { members["prompt_id"] = .string(prompt) }
        return try await hook("UserPromptSubmit", members)
    }

    /// `PreToolUse`.
    public func preToolUse(_ tool: String, _ input: JSONValue = [:], use: String? = nil) async throws -> ToolUse {
        let use = use ?? "toolu_\(uniqueNumber())"
        let answer = try await hook(
            "PreToolUse", ["tool_name": .string(tool), "tool_use_id": .string(use), "tool_input": input])
        return ToolUse(id: use, tool: tool, input: input, answer: answer)
    }

    /// `PostToolUse`: the tool has run.
    @discardableResult
    public func postToolUse(_ use: ToolUse) async throws -> JSONValue {
        try await hook(
            "PostToolUse",
            ["tool_name": .string(use.tool), "tool_use_id": .string(use.id), "tool_input": use.input])
    }

    /// `Stop`: the turn ends with this text, unless the answer says `block`.
    public func stop(_ lastMessage: String = "", isActive: Bool = false, prompt: String? = nil) async throws
        -> JSONValue
    {
        var members: JSONObject = [
            "last_assistant_message": .string(lastMessage), "stop_hook_active": .bool(isActive),
        ]
        if let prompt { members["prompt_id"] = .string(prompt) }
        return try await hook("Stop", members)
    }
}

extension ScriptedSession.ChannelEvent {
    /// The text that Claude Code makes of it: attribute values escaped, only the closing tag altered in the content.
    public var tag: String {
        let attributes = meta.sorted { $0.key < $1.key }.map { " \($0.key)=\"\(Self.escaped($0.value))\"" }.joined()
        return "<channel source=\"switchboard\"\(attributes)>\n\(Self.closed(content))\n</channel>"
    }

    private static func escaped(_ value: String) -> String {
        var escaped = ""
        for character in value {
            switch character {
            case "\"": escaped += "&quot;"
            case "<": escaped += "&lt;"
            case "&": escaped += "&amp;"
            default: escaped.append(character)
            }
        }
        return escaped
    }

    private static func closed(_ content: String) -> String {
        content.split(separator: "</channel>", omittingEmptySubsequences: false).joined(separator: "<\\/channel>")
    }
}
