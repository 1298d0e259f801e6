public import BusProtocol
public import ChannelEvents
import JSON
public import OperatingHome
import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The platform behind the adapter `switchboard-scripted` (`Tests/ScriptedChat`), played by a test: it posts events,
/// sees every command that the adapter carries out, decides its outcome, and remembers what people see.
///
/// Make it before `switchboard up`, with the name of the source; ``close()`` it at the end. It outlives the adapter's
/// process: one that starts anew is given again what was not committed.
public final class ScriptedPlatform: Sendable {
    /// A message of ours as a person sees it now.
    public struct Shown: Hashable, Sendable {
        public var id: String
        public var chat: String
        public var thread: String?
        public var text: String
        public var buttons: [Button]
        public var edits = 0
    }

    public struct Button: Hashable, Sendable {
        public var label: String
        public var action: String
    }

    struct Post {
        var number: Int64
        var line: [UInt8]
    }

    struct State: Sendable {
        var commands: [PlatformCommand] = []
        var shown: [Shown] = []
        var committed: Int64 = 0
        /// The bytes of the files that came with commands, by the command's key.
        var files: [String: [File]] = [:]
        /// Attachments that the adapter was asked for, in order.
        var fetched: [String] = []
        /// The adapter's processes, in the order they came.
        var pids: [Int32] = []
        var isConnected = false
    }

    /// Between the threads of the two sockets and the test.
    struct Line {
        var posts: [Post] = []
        var listener: Int32?
        var connection: Int32?
        var lastID = 0
        var answer: @Sendable (PlatformCommand) -> SendOutcome?
        /// What was said before the adapter was there, oldest first.
        var past: [Event] = []
        var give: @Sendable (String) -> Giving = { _ in .give }
        /// Questions for attachments that the test holds back, with their sockets.
        var heldFetches: [(number: Int64, file: String, socket: Int32)] = []
    }

    public static let everything = Abilities(
        verbs: ["send", "edit", "react", "typing", "respond", "topic", "close"],
        features: ["threads", "topics", "buttons", "fetch", "files", "history"])

    public let source: String
    let path: String
    /// Where its attachments lie.
    let folder: String
    let state = Watched(State())
    let line: Mutex<Line>

    /// Opens the platform for a source of a home.
    /// - Throws: ``HomeError`` when the socket cannot be made.
    public init(
        _ places: Places, source: String = "scripted", abilities: Abilities = ScriptedPlatform.everything
    ) throws(HomeError) {
        try places.prepare()
        self.source = source
        path = "\(places.state)/\(source).sock"
        folder = "\(places.state)/\(source).attachments"
        try PrivateFolder.make(folder)
        let listener = try Self.listen(path)
        line = Mutex(Line(listener: listener, answer: { _ in nil }))
        try Self.write(abilities.json.bytes, to: "\(places.state)/\(source).abilities")
        try SystemThread.start("scripted-\(source)") { [self] in
            while true {
                let socket = accept(listener, nil, nil)
                if socket < 0, errno == EINTR { continue }
                guard socket >= 0 else { return }
                // One adapter holds a source; the next one comes when this one is gone.
                serve(socket)
            }
        }
    }

    public func close() {
        line.withLock { line in
            for socket in [line.listener, line.connection] {
                if let socket { _ = shutdown(socket, Int32(SHUT_RDWR)) }
            }
            line.listener = nil
            _ = unlink(path)
        }
    }

    // MARK: What happens on the platform

    /// Something happens. - Returns: its number, for ``committed(_:)``.
    @discardableResult
    public func post(_ event: Event) -> Int64 {
        var writer = JSONWriter(capacity: 512)
        writer.beginObject()
        return line.withLock { line in
            let number = Int64(line.posts.count) + 1
            writer.member("number", number)
            writer.key("head")
            event.head.write(to: &writer)
            writer.key("body")
            writer.raw(event.body.json)
            writer.endObject()
            let post = Post(number: number, line: writer.bytes + CollectionOfOne(0x0A))
            line.posts.append(post)
            if let connection = line.connection { Self.send(post.line, to: connection) }
            return number
        }
    }

    /// A person writes, alone with us unless the flags say otherwise. - Returns: the message's id.
    @discardableResult
    public func say(
        _ text: String, from sender: String, in chat: String? = nil, thread: String? = nil,
        kind: EventKind = .message, flags: EventFlags = .direct, replyTo: String? = nil, roles: [String] = [],
        id: String? = nil
    ) -> String {
        let id = id ?? nextID("p")
        post(
            Event(
                head: EventHead(
                    id: id, chat: chat ?? sender, thread: thread, sender: sender, kind: kind, flags: flags,
                    replyTo: replyTo, roles: roles, time: Self.now()),
                body: EventBody(text: text, user: sender)))
        return id
    }

    /// A person presses a button of a message of ours. - Returns: the callback's id.
    @discardableResult
    public func press(
        _ action: String, of message: String, in chat: String, by sender: String, flags: EventFlags = .direct,
        id: String? = nil
    ) -> String {
        let id = id ?? nextID("tap")
        post(
            Event(
                head: EventHead(
                    id: id, chat: chat, sender: sender, kind: .callback, flags: flags, replyTo: message,
                    action: action, time: Self.now()),
                body: EventBody(text: "", user: sender)))
        return id
    }

    private func nextID(_ prefix: String) -> String {
        line.withLock { line in
            line.lastID += 1
            return "\(prefix)\(line.lastID)"
        }
    }

    static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
    }

    // MARK: What the adapter does

    /// Decides what becomes of the commands from now on; `nil` is the usual outcome.
    public func answer(_ decide: @escaping @Sendable (PlatformCommand) -> SendOutcome?) {
        line.withLock { $0.answer = decide }
    }

    /// Every command so far, in order.
    public var commands: [PlatformCommand] { state.value.commands }

    /// The first command that fits, as soon as there is one.
    public func command(
        _ what: String = "a command", where fits: @escaping @Sendable (PlatformCommand) -> Bool
    ) async throws -> PlatformCommand {
        let state = try await state.wait(for: what) { $0.commands.contains(where: fits) }
        guard let found = state.commands.first(where: fits) else { throw TestTimeout(what: what) }
        return found
    }

    /// All messages of ours, as they look now.
    public var shown: [Shown] { state.value.shown }

    /// The first message of ours that looks so, as soon as there is one.
    public func shown(
        _ what: String = "a message", where fits: @escaping @Sendable (Shown) -> Bool
    ) async throws -> Shown {
        let state = try await state.wait(for: what) { $0.shown.contains(where: fits) }
        guard let found = state.shown.first(where: fits) else { throw TestTimeout(what: what) }
        return found
    }

    /// What a message looks like now.
    public func shown(_ id: String) -> Shown? { state.value.shown.first { $0.id == id } }

    /// Returns when the router has committed a post and all before it.
    public func committed(_ number: Int64) async throws {
        _ = try await state.wait(for: "the commit of \(number)") { $0.committed >= number }
    }

    /// The adapter's process, once it is connected.
    public func connected() async throws -> Int32 {
        try await state.wait(for: "the adapter") { $0.isConnected }.pids.last ?? 0
    }

    // MARK: The line

    private func serve(_ socket: Int32) {
        var rest: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = read(socket, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            rest += buffer[..<count]
            while let end = rest.firstIndex(of: 0x0A) {
                take(Array(rest[..<end]), from: socket)
                rest.removeSubrange(...end)
            }
        }
        line.withLock { line in
            line.connection = nil
            closeFile(socket)
        }
        state.change { $0.isConnected = false }
    }

    private func take(_ bytes: [UInt8], from socket: Int32) {
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONValue(parsing: bytes)
        } catch {
            return  // half a line of a killed process
        }
        if let after = value["after"]?.integerValue {
            line.withLock { line in
                for post in line.posts where post.number > after { Self.send(post.line, to: socket) }
                line.connection = socket
            }
            state.change { state in
                state.pids.append(Int32(truncatingIfNeeded: value["pid"]?.integerValue ?? 0))
                state.isConnected = true
                state.committed = max(state.committed, after)
            }
        } else if let number = value["committed"]?.integerValue {
            state.change { $0.committed = max($0.committed, number) }
        } else if let number = value["history"]?.integerValue {
            tellPast(value, number, on: socket)
        } else if let number = value["fetch"]?.integerValue {
            give(value["file"]?.stringValue ?? "", number, on: socket)
        } else if let key = value["command"]?.stringValue {
            keepFiles(value["files"]?.arrayValue ?? [], of: key)
            execute(
                PlatformCommand(
                    key: key, verb: value["verb"]?.stringValue ?? "", chat: value["chat"]?.stringValue ?? "",
                    thread: value["thread"]?.stringValue, replyTo: value["reply_to"]?.stringValue,
                    again: value["again"]?.boolValue ?? false, arguments: value["arguments"] ?? [:]),
                on: socket)
        }
    }

    private func execute(_ command: PlatformCommand, on socket: Int32) {
        let decide = line.withLock { $0.answer }
        let outcome = decide(command) ?? usual(command)
        state.change { state in
            state.commands.append(command)
            if case .sent(let ids) = outcome { Self.show(command, ids, in: &state) }
        }
        var result: JSONObject = ["result": .string(command.key)]
        switch outcome {
        case .sent(let ids):
            result["outcome"] = "sent"
            result["ids"] = .array(ids.map(JSONValue.string))
        case .rejected(let reason):
            result["outcome"] = "rejected"
            result["reason"] = .string(reason)
        case .retry(let after, let reason):
            result["outcome"] = "retry"
            result["after"] = .integer(after)
            result["reason"] = .string(reason)
        case .unknown(let reason):
            result["outcome"] = "unknown"
            result["reason"] = .string(reason)
        }
        let bytes = JSONValue.object(result).bytes + CollectionOfOne(0x0A)
        line.withLock { line in
            if line.connection == socket { Self.send(bytes, to: socket) }
        }
    }

    private func usual(_ command: PlatformCommand) -> SendOutcome {
        switch command.verb {
        case "send": return .sent(ids: [nextID("m")])
        case "topic": return .sent(ids: [nextID("t")])
        default: return .sent(ids: [])
        }
    }

    private static func show(_ command: PlatformCommand, _ ids: [String], in state: inout State) {
        let text = command.arguments["text"]?.stringValue ?? ""
        let buttons = (command.arguments["buttons"]?.arrayValue ?? []).flatMap { $0.arrayValue ?? [] }.map {
            Button(label: $0["label"]?.stringValue ?? "", action: $0["action"]?.stringValue ?? "")
        }
        switch command.verb {
        case "send":
            guard let id = ids.first else { return }
            state.shown.append(
                Shown(id: id, chat: command.chat, thread: command.thread, text: text, buttons: buttons))
        case "edit":
            guard let id = command.arguments["id"]?.stringValue,
                let index = state.shown.firstIndex(where: { $0.id == id })
            else { return }
            state.shown[index].text = text
            state.shown[index].buttons = buttons
            state.shown[index].edits += 1
        default: break
        }
    }
}
