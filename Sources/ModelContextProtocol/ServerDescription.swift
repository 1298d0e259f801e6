public import JSON

/// What a server says of itself. A value, rendered once: a listing is asked for at every start.
public struct ServerDescription: Sendable {
    public let name: String
    public let tools: [Tool]
    /// Tools that a client may call though they are not listed: for the client itself, never for its model. Their
    /// arguments are taken as they come.
    public let unlistedTools: Set<String>
    private let openingBytes: [UInt8]
    let toolListBytes: [UInt8]

    /// - Parameters:
    ///   - capabilities: as `initialize` declares them.
    ///   - instructions: what the model is told about the server; clients cut it at 2 KB.
    public init(
        name: String, title: String, version: String, capabilities: JSONObject, instructions: String, tools: [Tool],
        unlistedTools: Set<String> = []
    ) {
        self.name = name
        self.tools = tools
        self.unlistedTools = unlistedTools
        var opening = JSONWriter(capacity: 4096)
        opening.beginObject()
        opening.member("capabilities", .object(capabilities))
        opening.member(
            "serverInfo", ["name": .string(name), "title": .string(title), "version": .string(version)] as JSONValue)
        opening.member("instructions", instructions)
        opening.endObject()
        openingBytes = opening.bytes
        var list = JSONWriter(capacity: 8192)
        list.beginObject()
        list.key("tools")
        list.beginArray()
        for tool in tools { tool.write(to: &list) }
        list.endArray()
        list.endObject()
        toolListBytes = list.bytes
    }

    func opening(version: String) -> [UInt8] {
        var writer = JSONWriter(capacity: openingBytes.count + 64)
        writer.beginObject()
        writer.member("protocolVersion", version)
        writer.endObject()
        // {"protocolVersion":"…"} and {"capabilities":…} become one object.
        return writer.bytes.dropLast() + CollectionOfOne(UInt8(ascii: ",")) + openingBytes.dropFirst()
    }
}
