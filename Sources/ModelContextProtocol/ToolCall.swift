public import JSON

/// One `tools/call` whose arguments fit the tool's schema.
public struct ToolCall: Hashable, Sendable {
    public var id: RequestID
    public var tool: String
    public var arguments: JSONObject
    /// `params._meta` as it came: vendor keys such as `claudecode/toolUseId`.
    public var meta: JSONObject
    /// Whether the client wants to hear of progress.
    public var wantsProgress: Bool

    public init(id: RequestID, tool: String, arguments: JSONObject, meta: JSONObject = [:], wantsProgress: Bool = false)
    {
        self.id = id
        self.tool = tool
        self.arguments = arguments
        self.meta = meta
        self.wantsProgress = wantsProgress
    }
}
