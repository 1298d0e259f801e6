public import JSON

/// How a tool call ended, for the model to read.
public struct ToolResult: Hashable, Sendable {
    /// Text blocks in order.
    public var texts: [String]
    /// The same for programs; an object.
    public var structured: JSONObject?
    public var isError: Bool

    public init(_ texts: [String], structured: JSONObject? = nil, isError: Bool = false) {
        self.texts = texts
        self.structured = structured
        self.isError = isError
    }

    /// What the model can mend, or at least must know: a bad value, an unknown chat, a router that is away.
    public static func failure(_ text: String) -> ToolResult { ToolResult([text], isError: true) }

    func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.key("content")
        writer.beginArray()
        for text in texts {
            writer.beginObject()
            writer.member("type", "text")
            writer.member("text", text)
            writer.endObject()
        }
        writer.endArray()
        if let structured { writer.member("structuredContent", .object(structured)) }
        writer.key("isError")
        writer.bool(isError)
        writer.endObject()
    }
}
