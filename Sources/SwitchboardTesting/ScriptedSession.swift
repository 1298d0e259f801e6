public import JSON
public import OperatingHome
import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A Claude Code that follows a script: it starts the real `switchboard mcp` as a child and says over its stdio what
/// Claude Code 2.1.330 was seen to say. Everything that comes out is kept.
public final class ScriptedSession: Sendable {
    /// One `notifications/claude/channel`.
    public struct ChannelEvent: Hashable, Sendable {
        public var content: String
        public var meta: [String: String]
    }

    /// The answers to the opening.
    public struct Opening: Sendable {
        public var discover: JSONValue
        public var initialize: JSONValue
        public var tools: [JSONValue]
    }

    public struct Failure: Error, CustomStringConvertible {
        public let description: String
    }

    struct Record {
        var messages: [JSONValue] = []
        var channelEvents: [ChannelEvent] = []
        /// Lines on standard output that are no JSON: a real client is confused by each.
        var strayLines: [String] = []
        var errorLog: [UInt8] = []
        var outputEnded = false
        var status: ExitStatus?
    }

    struct State {
        var record = Record()
        /// Each says whether it has what it waited for, or was told (by `nil`) that nobody waits any more.
        var waiters: [Int: @Sendable (Record?) -> Bool] = [:]
        var nextWaiter = 0
        var nextID: Int64 = 1
        var input: Int32?
    }

    let state: Mutex<State>
    private let child: ChildProcess
    private let onMessage: (@Sendable (JSONValue) -> Void)?
    public var pid: Int32 { child.pid }

    /// Starts the child; nothing is said yet.
    /// - Parameters:
    ///   - environment: added to the test's own, without its Claude and Switchboard variables.
    ///   - project: what `CLAUDE_PROJECT_DIR` says.
    ///   - onMessage: called with every message of the child, on the reading thread; it must not block.
    public init(
        _ program: String, _ arguments: [String] = ["mcp"], environment: [String: String], project: String,
        onMessage: (@Sendable (JSONValue) -> Void)? = nil
    ) throws(HomeError) {
        // A child that was killed while it is spoken to is an error of the write.
        ignoreBrokenPipes()
        self.onMessage = onMessage
        var variables = ProcessEnvironment.all().filter {
            !$0.key.hasPrefix("CLAUDE") && !$0.key.hasPrefix("SWITCHBOARD_")
        }
        variables["CLAUDECODE"] = "1"
        variables["CLAUDE_PROJECT_DIR"] = project
        variables["CLAUDE_CODE_SESSION_ID"] = RandomBytes.hexadecimal(count: 16)
        variables.merge(environment) { _, new in new }
        var command = ChildCommand(program, arguments, environment: variables, hasLifeline: false)
        command.input = .pipe
        command.output = .pipe
        command.errors = .pipe
        child = try ChildProcess.start(command)
        state = Mutex(State(input: child.input))
        child.onExit { [self] status in change { $0.status = status } }
        try startReaders()
    }

    private func startReaders() throws(HomeError) {
        guard let output = child.output, let errors = child.errors else { return }
        try SystemThread.start("scripted-out") { [self] in
            var rest: [UInt8] = []
            Self.readAll(output) { chunk in
                rest += chunk
                var start = 0
                while let end = rest[start...].firstIndex(of: 0x0A) {
                    take(Array(rest[start..<end]))
                    start = end + 1
                }
                rest.removeFirst(start)
            }
            change { $0.outputEnded = true }
        }
        try SystemThread.start("scripted-err") { [self] in
            Self.readAll(errors) { chunk in change { $0.errorLog += chunk } }
        }
    }

    private static func readAll(_ file: Int32, _ body: (ArraySlice<UInt8>) -> Void) {
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = read(file, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            if count <= 0 { break }
            body(buffer[..<count])
        }
        close(file)
    }

    private func take(_ line: [UInt8]) {
        let message: JSONValue
        do throws(JSONError) {
            message = try JSONValue(parsing: line)
        } catch {
            return change { $0.strayLines.append(String(decoding: line, as: UTF8.self)) }
        }
        change { record in
            if message["method"]?.stringValue == "notifications/claude/channel", let parameters = message["params"] {
                var meta: [String: String] = [:]
                for member in parameters["meta"]?.objectValue ?? [:] { meta[member.key] = member.value.stringValue }
                record.channelEvents.append(ChannelEvent(content: parameters["content"]?.stringValue ?? "", meta: meta))
            } else {
                record.messages.append(message)
            }
        }
        onMessage?(message)
    }

    private func change(_ body: (inout Record) -> Void) {
        state.withLock { state in
            body(&state.record)
            let record = state.record
            state.waiters = state.waiters.filter { !$0.value(record) }
        }
    }

    // MARK: Speaking

    /// Writes bytes as they are; blocks while the child does not read.
    public func send(raw bytes: some Collection<UInt8>) throws(Failure) {
        guard let input = state.withLock({ $0.input }) else { throw Failure(description: "the input is closed") }
        let bytes = Array(bytes)
        var offset = 0
        while offset < bytes.count {
            let count = bytes.withUnsafeBytes { write(input, $0.baseAddress! + offset, bytes.count - offset) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                throw Failure(description: "the child does not take input: \(String(cString: strerror(errno)))")
            }
            offset += count
        }
    }

    public func send(_ message: JSONValue) throws(Failure) {
        try send(raw: message.bytes + CollectionOfOne(0x0A))
    }

    /// Sends a request; its answer comes by ``response(to:within:)``.
    @discardableResult
    public func request(_ method: String, _ parameters: JSONValue? = nil, id given: JSONValue? = nil) throws(Failure)
        -> JSONValue
    {
        let id =
            given
            ?? state.withLock { state in
                defer { state.nextID += 1 }
                return .integer(state.nextID)
            }
        var message: JSONObject = ["jsonrpc": "2.0", "id": id, "method": .string(method)]
        message["params"] = parameters
        try send(.object(message))
        return id
    }

    public func notify(_ method: String, _ parameters: JSONValue? = nil) throws(Failure) {
        var message: JSONObject = ["jsonrpc": "2.0", "method": .string(method)]
        message["params"] = parameters
        try send(.object(message))
    }

    /// The opening that Claude Code was seen to make: probe, `initialize` with id 0, `initialized`, `tools/list`.
    @discardableResult
    public func open() async throws -> Opening {
        let later: JSONValue = [
            "_meta": [
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": [:],
            ]
        ]
        try request("server/discover", later, id: "server-discover-probe-1")
        let discover = try await response(to: "server-discover-probe-1")
        try request(
            "initialize",
            [
                "protocolVersion": "2025-11-25",
                "capabilities": ["roots": ["listChanged": true], "elicitation": ["form": [:], "url": [:]]],
                "clientInfo": ["name": "claude-code", "title": "Claude Code", "version": "2.1.330"],
            ], id: 0)
        let initialize = try await response(to: 0)
        try notify("notifications/initialized")
        let tools = try await response(to: try request("tools/list"))
        return Opening(discover: discover, initialize: initialize, tools: tools["result"]?["tools"]?.arrayValue ?? [])
    }

    /// A number that no request and no tool use of this session has.
    func uniqueNumber() -> Int64 {
        state.withLock { state in
            defer { state.nextID += 1 }
            return state.nextID
        }
    }

    /// Begins a tool call as Claude Code makes it.
    /// - Parameter use: the id of this use of the tool; the same one again is the same call.
    public func begin(_ tool: String, _ arguments: JSONValue, use: String? = nil) throws(Failure) -> JSONValue {
        let use = use ?? "toolu_" + RandomBytes.hexadecimal(count: 12)
        let token = state.withLock { $0.nextID }
        return try request(
            "tools/call",
            [
                "name": .string(tool), "arguments": arguments,
                "_meta": ["claudecode/toolUseId": .string(use), "progressToken": .integer(token)],
            ])
    }

    /// Calls a tool and waits for its result.
    public func call(
        _ tool: String, _ arguments: JSONValue = [:], use: String? = nil, within: Duration = .seconds(30)
    ) async throws -> JSONValue {
        let answer = try await response(to: try begin(tool, arguments, use: use), within: within)
        guard let result = answer["result"] else { throw Failure(description: "\(tool): \(answer.text)") }
        return result
    }
}

private func ignoreBrokenPipes() { _ = signal(SIGPIPE, SIG_IGN) }
