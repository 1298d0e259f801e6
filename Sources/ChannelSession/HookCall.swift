import BusProtocol
import JSON

/// A call of the unlisted tool `hook`. Claude Code's hooks of type `mcp_tool` make it; their configuration fills the
/// arguments with the members of the hook's JSON under their own names:
///
///     {"type": "mcp_tool", "server": "switchboard", "tool": "hook",
///      "input": {"hook_event_name": "PreToolUse", "prompt_id": "${prompt_id}", "session_id": "${session_id}",
///                "tool_name": "${tool_name}", "tool_use_id": "${tool_use_id}", "tool_input": "${tool_input}"}}
///
/// Only `hook_event_name` is required. What Claude Code has no value for may come as an empty text, as `null` or as the
/// place holder itself: that is an absent member. A flag may come as the text `true`; `tool_input` as JSON or as its
/// text. `at` (milliseconds since 1970) says when the hook began, where somebody carries it here later.
struct HookCall {
    var name: String
    var prompt: String?
    /// The ids of the channel events that the prompt carries; `nil` when this is no prompt.
    var events: [String]?
    var session: String?
    var at: Int64?
    var tool: String?
    var toolInput: JSONValue?
    private var members: JSONObject

    /// Tool input beyond this, as JSON, stays here: nothing is decided on an input that is not whole.
    static let inputLimit = 512 << 10
    /// Characters of Claude's closing text that are passed on.
    static let messageLimit = 100_000

    /// `nil` when the call names no hook.
    /// - Parameter original: the id of an event whose tag shows it cleaned.
    init?(_ arguments: JSONObject, original: (String) -> String = { $0 }) {
        guard let name = Self.text(arguments["hook_event_name"]), (1...64).contains(name.utf8.count) else { return nil }
        self.name = name
        prompt = Self.text(arguments["prompt_id"]).map { String($0.prefix(128)) }
        session = Self.text(arguments["session_id"]).map { String($0.prefix(128)) }
        at = arguments["at"]?.integerValue ?? Self.text(arguments["at"]).flatMap { Int64($0) }
        tool = Self.text(arguments[HookMember.tool]).map { String($0.prefix(256)) }
        toolInput = Self.json(arguments[HookMember.toolInput])
        members = [:]
        if name == "UserPromptSubmit" {
            let found = ChannelTagReader.events(in: Self.text(arguments["prompt"]) ?? "").map(original)
            events = found
            members[HookMember.events] = .array(found.map(JSONValue.string))
        }
        if let tool { members[HookMember.tool] = .string(tool) }
        if let use = Self.text(arguments[HookMember.toolUse]) {
            members[HookMember.toolUse] = .string(String(use.prefix(128)))
        }
        if let toolInput, toolInput.bytes.count <= Self.inputLimit { members[HookMember.toolInput] = toolInput }
        if let text = Self.text(arguments[HookMember.lastMessage]) {
            members[HookMember.lastMessage] = .string(String(text.prefix(Self.messageLimit)))
        }
        if let active = Self.flag(arguments[HookMember.stopIsActive]) {
            members[HookMember.stopIsActive] = .bool(active)
        }
        for member in [HookMember.reason, HookMember.source, HookMember.notification] {
            if let text = Self.text(arguments[member]) { members[member] = .string(String(text.prefix(64))) }
        }
    }

    func report(id: String, now: Int64, wantsAnswer: Bool) -> HookReport {
        HookReport(
            id: id, name: name, at: at ?? now, prompt: prompt, session: session, wantsAnswer: wantsAnswer,
            members: .object(members))
    }

    private static func text(_ value: JSONValue?) -> String? {
        guard let text = value?.stringValue, !text.isEmpty, !(text.hasPrefix("${") && text.hasSuffix("}")) else {
            return nil
        }
        return text
    }

    private static func flag(_ value: JSONValue?) -> Bool? { value?.boolValue ?? text(value).map { $0 == "true" } }

    private static func json(_ value: JSONValue?) -> JSONValue? {
        guard let value, value != .null else { return nil }
        guard value.stringValue != nil else { return value }
        guard let text = text(value) else { return nil }
        // A text that is no JSON is the input itself.
        do { return try JSONValue(parsing: Array(text.utf8)) } catch { return .string(text) }
    }
}
