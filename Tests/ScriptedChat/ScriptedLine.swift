import AdapterKit
import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The line to the test: a socket in the home's state folder, JSON objects in lines. `ScriptedPlatform` is the other end.
///
/// adapter > test: `{"source","after","pid"}` once, `{"committed":N}`, `{"command":KEY,"verb","chat",…}`,
/// `{"fetch":NUMBER,"file":ID}`, `{"history":NUMBER,"chat","before","limit"}`
/// test > adapter: `{"number":N,"head":{…},"body":{…}}`, `{"result":KEY,"outcome","ids","after","reason"}`,
/// `{"past":NUMBER,"events":[…]}`, `{"fetched":NUMBER,"path"}` or `{"fetched":NUMBER,"code","message"}`
final class ScriptedLine: Sendable {
    struct Post: Sendable {
        var number: Int64
        var event: Event
    }

    private struct State {
        var socket: Int32?
        var waiting: [String: CheckedContinuation<SendOutcome, Never>] = [:]
        var fetches: [Int64: CheckedContinuation<Result<AttachmentContent, FetchFailure>, Never>] = [:]
        var lastFetch: Int64 = 0
        var histories: [Int64: CheckedContinuation<[Event], Never>] = [:]
    }

    static let gone = AdapterFailure(
        AdapterProblem(path: "", code: "gone", message: "the scripted platform is not there", mend: "run the test anew")
    )

    private let path: String
    private let state = Mutex(State())

    init(path: String) { self.path = path }

    /// A file of one source's platform.
    static func path(_ source: String, in places: Places, _ suffix: String) -> String {
        "\(places.state)/\(source).\(suffix)"
    }

    /// What the test declared for this source; everything when nobody did.
    static func abilities() -> Abilities {
        let all = Abilities(
            verbs: ["send", "edit", "react", "typing", "respond", "topic", "close"],
            features: ["threads", "topics", "buttons", "fetch", "files", "history"])
        let environment = ProcessEnvironment.all()
        do {
            let path = path(
                environment["SWITCHBOARD_SOURCE"] ?? "scripted", in: try Places(environment: environment), "abilities")
            guard let bytes = try SmallFile.read(path, limit: 1 << 16) else { return all }
            return Abilities(from: try JSONValue(parsing: bytes))
        } catch {
            return all  // `describe` without a home
        }
    }

    /// Connects and asks for what was posted after a number.
    /// - Returns: posts in order; it ends when the test closes the platform or nobody iterates any more.
    func open(source: String, after read: Int64) throws -> AsyncStream<Post> {
        guard let socket = Self.connect(path) else { throw Self.gone }
        state.withLock { $0.socket = socket }
        say(["source": .string(source), "after": .integer(read), "pid": .integer(Int64(getpid()))])
        // Bounded by the test: it posts what it posts.
        let (posts, continuation) = AsyncStream.makeStream(of: Post.self)
        continuation.onTermination = { _ in _ = shutdown(socket, Int32(SHUT_RDWR)) }
        try SystemThread.start("scripted-line") { [self] in
            Self.readLines(socket) { take($0, continuation) }
            end(socket)
            continuation.finish()
        }
        return posts
    }

    private func end(_ socket: Int32) {
        let (waiting, fetches) = state.withLock { state in
            if state.socket == socket { state.socket = nil }
            defer {
                state.waiting = [:]
                state.fetches = [:]
            }
            return (state.waiting, state.fetches)
        }
        let histories = state.withLock { state in
            defer { state.histories = [:] }
            return state.histories
        }
        close(socket)
        for history in histories.values { history.resume(returning: []) }
        for fetch in fetches.values { fetch.resume(returning: .failure(FetchFailure(.unavailable, "the line broke"))) }
        for continuation in waiting.values { continuation.resume(returning: .unknown(reason: "the line broke")) }
    }

    func history(_ request: HistoryRequest) async throws(FetchFailure) -> [Event] {
        await withCheckedContinuation { continuation in
            let number = state.withLock { state in
                state.lastFetch += 1
                state.histories[state.lastFetch] = continuation
                return state.lastFetch
            }
            var line: JSONObject = [
                "history": .integer(number), "chat": .string(request.chat), "limit": .integer(Int64(request.limit)),
            ]
            if let before = request.before { line["before"] = .string(before) }
            say(.object(line))
        }
    }

    /// The test says where the file lies, or why there is none.
    func fetch(_ attachment: AttachmentRequest) async throws(FetchFailure) -> AttachmentContent {
        let result = await withCheckedContinuation { continuation in
            let number = state.withLock { state in
                state.lastFetch += 1
                state.fetches[state.lastFetch] = continuation
                return state.lastFetch
            }
            say(["fetch": .integer(number), "file": .string(attachment.id)])
        }
        return try result.get()
    }

    func execute(_ command: PlatformCommand, _ connection: AdapterConnection) async -> SendOutcome {
        var paths: [JSONValue] = []
        // Held until the test has answered, and read them by then.
        var files: [LoadedFile] = []
        for file in command.files {
            do throws(FetchFailure) {
                let loaded = try await connection.load(file)
                files.append(loaded)
                paths.append(["name": .string(loaded.name), "path": .string(loaded.path)])
            } catch {
                return error.code == .unavailable
                    ? .retry(after: 20, reason: error.message) : .rejected(reason: error.message)
            }
        }
        defer { withExtendedLifetime(files) {} }
        return await say(command, paths)
    }

    private func say(_ command: PlatformCommand, _ files: [JSONValue]) async -> SendOutcome {
        var line: JSONObject = [
            "command": .string(command.key), "verb": .string(command.verb), "chat": .string(command.chat),
            "arguments": command.arguments, "again": .bool(command.again),
        ]
        if let thread = command.thread { line["thread"] = .string(thread) }
        if let replyTo = command.replyTo { line["reply_to"] = .string(replyTo) }
        if !files.isEmpty { line["files"] = .array(files) }
        return await withCheckedContinuation { continuation in
            let isSaid = state.withLock { state in
                guard state.socket != nil else { return false }
                state.waiting[command.key] = continuation
                return true
            }
            guard isSaid else {
                return continuation.resume(returning: .retry(after: 20, reason: "the line opens"))
            }
            say(.object(line))
        }
    }

    /// One line, whole, whoever else writes.
    func say(_ value: JSONValue) {
        let bytes = value.bytes + CollectionOfOne(0x0A)
        state.withLock { state in
            guard let socket = state.socket else { return }
            var offset = 0
            while offset < bytes.count {
                let count = bytes.withUnsafeBytes {
                    send(socket, $0.baseAddress.map { $0 + offset }, bytes.count - offset, Self.noSignal)
                }
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return }  // the reading thread learns of the end as well
                offset += count
            }
        }
    }

    private func take(_ line: [UInt8], _ posts: AsyncStream<Post>.Continuation) {
        do {
            let value = try JSONValue(parsing: line)
            if let number = value["number"]?.integerValue, let head = value["head"], let body = value["body"] {
                let head = try JSONReader.read(head.bytes) { reader throws(JSONError) in
                    try EventHead(from: &reader)
                }
                posts.yield(Post(number: number, event: Event(head: head, body: try EventBody(json: body.bytes))))
            } else if let number = value["past"]?.integerValue {
                var events: [Event] = []
                for item in value["events"]?.arrayValue ?? [] {
                    guard let head = item["head"], let body = item["body"] else { continue }
                    let read = try JSONReader.read(head.bytes) { reader throws(JSONError) in
                        try EventHead(from: &reader)
                    }
                    events.append(Event(head: read, body: try EventBody(json: body.bytes)))
                }
                state.withLock { $0.histories.removeValue(forKey: number) }?.resume(returning: events)
            } else if let number = value["fetched"]?.integerValue {
                let content: Result<AttachmentContent, FetchFailure> =
                    value["path"]?.stringValue.map { .success(.file(path: $0)) }
                    ?? .failure(
                        FetchFailure(
                            FetchFailure.Code(rawValue: value["code"]?.stringValue ?? "") ?? .unavailable,
                            value["message"]?.stringValue ?? ""))
                state.withLock { $0.fetches.removeValue(forKey: number) }?.resume(returning: content)
            } else if let key = value["result"]?.stringValue {
                state.withLock { $0.waiting.removeValue(forKey: key) }?.resume(returning: Self.outcome(value))
            }
        } catch {
            posts.finish()  // the test's own mistake; it sees an adapter that ends
        }
    }

    private static func outcome(_ value: JSONValue) -> SendOutcome {
        let reason = value["reason"]?.stringValue ?? ""
        switch value["outcome"]?.stringValue {
        case "sent": return .sent(ids: value["ids"]?.arrayValue?.compactMap(\.stringValue) ?? [])
        case "rejected": return .rejected(reason: reason)
        case "retry": return .retry(after: value["after"]?.integerValue ?? 0, reason: reason)
        default: return .unknown(reason: reason)
        }
    }

    // MARK: The socket

    #if canImport(Darwin)
        private static let noSignal: Int32 = 0
        private static let stream = SOCK_STREAM
    #else
        private static let noSignal = Int32(MSG_NOSIGNAL)
        private static let stream = Int32(SOCK_STREAM.rawValue)
    #endif

    private static func connect(_ path: String) -> Int32? {
        let file = socket(AF_UNIX, stream, 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
        let length = socklen_t(MemoryLayout<sockaddr_un>.size)
        let code = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { systemConnect(file, $0, length) }
        }
        guard code == 0 else {
            close(file)
            return nil
        }
        return file
    }

    private static func readLines(_ file: Int32, _ body: ([UInt8]) -> Void) {
        var rest: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = read(file, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            rest += buffer[..<count]
            while let end = rest.firstIndex(of: 0x0A) {
                body(Array(rest[..<end]))
                rest.removeSubrange(...end)
            }
        }
    }
}

private func systemConnect(_ file: Int32, _ address: UnsafePointer<sockaddr>, _ length: socklen_t) -> Int32 {
    #if canImport(Darwin)
        Darwin.connect(file, address, length)
    #else
        Glibc.connect(file, address, length)
    #endif
}
