public import JSON

/// The server's side of one MCP connection: handshake, tools, cancellation, progress. Pure: lines in, actions out; no
/// transport, no clock, no thread.
///
/// Serves the revisions that open with `initialize`. A probe for the later one (`server/discover`) is always answered
/// with `-32601`, which its specification names the sign of an older server.
public struct ServerConnection: Sendable {
    public enum Action: Hashable, Sendable {
        /// Lines for the client.
        case send([UInt8])
        /// The client said `initialized` for the first time: side effects may begin.
        case opened(Client)
        case call(ToolCall)
        /// The client no longer waits; ``finish(_:_:)`` for this id gives nothing.
        case cancelled(RequestID)
        /// A notification outside the protocol's own, once the connection is open.
        case notified(method: String, parameters: JSONObject)
    }

    /// Who connected, as it says itself. For logs; nothing is decided on it.
    public struct Client: Hashable, Sendable {
        public var name: String
        public var version: String
        public var protocolVersion: String

        public init(name: String, version: String, protocolVersion: String) {
            self.name = name
            self.version = version
            self.protocolVersion = protocolVersion
        }
    }

    /// Tool calls under way at once. At the limit a call is answered with an error result that says so.
    public static let callLimit = 128

    private enum Phase: Hashable {
        case new
        case initialized(Client)
        case open
    }

    private struct OpenCall {
        var token: JSONValue?
        var progress: Int64 = 0
    }

    private let server: ServerDescription
    private var phase = Phase.new
    private var calls: [RequestID: OpenCall] = [:]

    public init(_ server: ServerDescription) {
        self.server = server
    }

    public var isOpen: Bool { phase == .open }

    // MARK: From the client

    public mutating func receive(_ piece: LineSplitter.Piece) -> [Action] {
        switch piece {
        case .line(let line): return receive(line: line)
        case .oversize:
            let limit = LineSplitter.standardLimit
            return [
                .send(OutgoingMessage.error(nil, RPCError(.invalidRequest, "A line over \(limit) bytes is not taken")))
            ]
        }
    }

    public mutating func receive(line: some Collection<UInt8>) -> [Action] {
        do throws(IncomingMessage.Failure) {
            switch try IncomingMessage(line: line) {
            case .request(let id, let method, let parameters): return receive(id, method, parameters)
            case .notification(let method, let parameters): return receive(method, parameters)
            case .response: return []  // We ask nothing, so it answers nothing.
            }
        } catch {
            return [.send(OutgoingMessage.error(error.id, error.error))]
        }
    }

    private mutating func receive(_ id: RequestID, _ method: String, _ parameters: JSONObject) -> [Action] {
        do throws(RPCError) {
            return try answer(id, method, parameters)
        } catch {
            return [.send(OutgoingMessage.error(id, error))]
        }
    }

    private mutating func answer(_ id: RequestID, _ method: String, _ parameters: JSONObject) throws(RPCError)
        -> [Action]
    {
        switch method {
        case "initialize": return [.send(initialize(id, parameters))]
        case "server/discover":
            throw RPCError(
                .methodNotFound, "Method not found: server/discover (use initialize; \(ProtocolVersion.newest))")
        default: break
        }
        try refuseLaterRevision(parameters)
        switch method {
        case "ping":
            return [.send(OutgoingMessage.result(id) { $0.raw("{}".utf8) })]
        case "tools/list":
            guard phase != .new else { throw RPCError(.invalidRequest, "Send initialize first") }
            if let cursor = parameters["cursor"], cursor != .null {
                throw RPCError(.invalidParameters, "Unknown cursor: the list of tools has one page")
            }
            return [.send(OutgoingMessage.result(id) { $0.raw(server.toolListBytes) })]
        case "tools/call":
            guard phase == .open else {
                throw RPCError(.invalidRequest, "Send initialize and notifications/initialized first")
            }
            return try call(id, parameters)
        default:
            throw RPCError(.methodNotFound, "Method not found")
        }
    }

    private mutating func initialize(_ id: RequestID, _ parameters: JSONObject) -> [UInt8] {
        let version = ProtocolVersion.answer(to: parameters["protocolVersion"]?.stringValue)
        // An `initialize` on an open connection is answered, and changes nothing.
        if phase != .open {
            let information = parameters["clientInfo"]
            phase = .initialized(
                Client(
                    name: String((information?["name"]?.stringValue ?? "").prefix(64)),
                    version: String((information?["version"]?.stringValue ?? "").prefix(64)), protocolVersion: version))
        }
        return OutgoingMessage.result(id) { $0.raw(server.opening(version: version)) }
    }

    /// A request of revision 2026-07-28 is told which revisions are served, so that its log names the reason.
    private func refuseLaterRevision(_ parameters: JSONObject) throws(RPCError) {
        guard let requested = parameters["_meta"]?["io.modelcontextprotocol/protocolVersion"] else { return }
        if let requested = requested.stringValue, ProtocolVersion.served.contains(requested) { return }
        throw RPCError(
            .unsupportedProtocolVersion, "Unsupported protocol version; use initialize with \(ProtocolVersion.newest)",
            data: [
                "supported": .array(ProtocolVersion.served.map(JSONValue.string)),
                "requested": .string(String((requested.stringValue ?? "").prefix(64))),
            ])
    }

    private mutating func call(_ id: RequestID, _ parameters: JSONObject) throws(RPCError) -> [Action] {
        guard let name = parameters["name"]?.stringValue else {
            throw RPCError(.invalidParameters, "name must be a string")
        }
        let tool = server.tools.first { $0.name == name }
        guard tool != nil || server.unlistedTools.contains(name) else {
            let known = server.tools.map(\.name).joined(separator: ", ")
            throw RPCError(.invalidParameters, "Unknown tool; there are \(known)")
        }
        var arguments: JSONObject = [:]
        switch parameters["arguments"] {
        case .none, .null: break
        case .object(let given): arguments = given
        default: throw RPCError(.invalidParameters, "arguments must be an object")
        }
        guard calls[id] == nil else { throw RPCError(.invalidRequest, "This id is in use by a call under way") }
        do throws(ArgumentError) {
            if let tool { arguments = try tool.validate(arguments) }
        } catch {
            return [.send(Self.line(id, .failure(error.description)))]
        }
        guard calls.count < Self.callLimit else {
            return [
                .send(
                    Self.line(
                        id,
                        .failure("\(calls.count) calls are under way already; wait for their answers, then call again"))
                )
            ]
        }
        let meta = parameters["_meta"]?.objectValue ?? [:]
        var call = OpenCall()
        switch meta["progressToken"] {
        case .string(let token): call.token = .string(token)
        case .integer(let token): call.token = .integer(token)
        default: break
        }
        calls[id] = call
        return [.call(ToolCall(id: id, tool: name, arguments: arguments, meta: meta, wantsProgress: call.token != nil))]
    }

    private mutating func receive(_ method: String, _ parameters: JSONObject) -> [Action] {
        switch method {
        case "notifications/initialized":
            guard case .initialized(let client) = phase else { return [] }
            phase = .open
            return [.opened(client)]
        case "notifications/cancelled":
            guard let id = parameters["requestId"].flatMap(RequestID.init), calls.removeValue(forKey: id) != nil else {
                return []
            }
            return [.cancelled(id)]
        default:
            return isOpen ? [.notified(method: method, parameters: parameters)] : []
        }
    }

    // MARK: To the client

    /// The answer to a call; `nil` when nobody waits for it any more.
    public mutating func finish(_ id: RequestID, _ result: ToolResult) -> [UInt8]? {
        guard calls.removeValue(forKey: id) != nil else { return nil }
        return Self.line(id, result)
    }

    /// A sign of life for a call; `nil` when the client did not ask for any. The number rises by one each time.
    public mutating func progress(_ id: RequestID, _ message: String) -> [UInt8]? {
        guard let token = calls[id]?.token else { return nil }
        let progress = (calls[id]?.progress ?? 0) + 1
        calls[id]?.progress = progress
        return OutgoingMessage.notification("notifications/progress") { writer in
            writer.beginObject()
            writer.member("progressToken", token)
            writer.member("progress", progress)
            writer.member("message", message)
            writer.endObject()
        }
    }

    private static func line(_ id: RequestID, _ result: ToolResult) -> [UInt8] {
        OutgoingMessage.result(id) { result.write(to: &$0) }
    }
}
