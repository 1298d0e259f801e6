import AdapterKit
import HTTPTypes
import HummingbirdCore
import NIOCore

/// Answers one request after the other.
struct HookResponder: Sendable {
    /// How long a caller waits for the commit before it is told to come again.
    static let commitPatience = Duration.seconds(5)
    /// A body must be there in this time, however slowly it drips.
    static let bodyPatience = TimeAmount.seconds(30)
    /// What is read and thrown away of a body that is not taken, so that the caller reads our answer.
    static let drainLimit = 4 << 20
    static let drainPatience = TimeAmount.seconds(2)

    let connection: AdapterConnection
    let gate: HookGate
    let replies: ReplyStreams
    let ledger: HookLedger
    let originals: HookOriginals
    let budget = HookBudget()
    let identity: any PeerIdentity
    /// Whether the server itself ends TLS, or listens on this machine alone; else only the proxy is let in.
    let isCovered: Bool
    let proxy: DeclaredProxy?
    /// Routes by the paths of their own.
    let paths: [String: HookName]

    func respond(to request: Request, writer: consuming ResponseWriter, channel: any Channel) async throws {
        let target = HookTarget(request.uri.path, paths: paths)
        guard isCovered || proxy?.isProxy(channel.remoteAddress.flatMap(ListenAddress.init)) ?? false else {
            return try await end(request, .notFound, writer, channel)
        }
        if case .replies(let name) = target, request.method == .get {
            if let refusal = admission(request, channel, name).refusal {
                return try await end(request, refusal, writer, channel)
            }
            let chat = gate.chat(of: name)
            guard let listener = replies.listen(to: chat, after: request.headers[.lastEventID]) else {
                return try await end(request, .unavailable("overloaded", "too many streams are open"), writer, channel)
            }
            return try await stream(request, listener, chat, writer)
        }
        var body = request.body.makeAsyncIterator()
        let answer = try await answer(request, target, &body, channel, writer)
        do {
            try await write(answer, writer)
        } catch {
            answer.written?(false)
            throw error
        }
        answer.written?(true)
        if answer.ends { try await drain(&body, channel) }
    }

    private func answer(
        _ request: Request, _ target: HookTarget?, _ body: inout RequestBody.AsyncIterator, _ channel: any Channel,
        _ writer: borrowing ResponseWriter
    ) async throws -> HookAnswer {
        switch target {
        case .health:
            guard request.method == .get else { return .method(.get) }
            let isUp = connection.isWelcomed
            let status: JSONValue = ["status": isUp ? "up" : "waiting for the router"]
            return HookAnswer(status: isUp ? .ok : .serviceUnavailable, body: status)
        case .replies: return .method(.get)
        case .pause(let name), .resume(let name):
            guard request.method == .post else { return .method(.post) }
            return await steer(request, target, name, channel)
        case .hook(let name):
            if request.method == .options { return consent(request, name) }
            guard request.method == .post else { return .method(.post) }
            return try await receive(request, &body, name, channel, writer)
        case nil: return .notFound
        }
    }

    // MARK: GET /hooks/NAME/replies

    private func stream(
        _ request: Request, _ listener: ReplyListener, _ chat: HookName, _ writer: consuming ResponseWriter
    ) async throws {
        defer { replies.leave(listener, from: chat) }
        let head = HTTPResponse(
            status: .ok, headerFields: [.contentType: "text/event-stream", .cacheControl: "no-store"])
        var body = try await writer.writeHead(head)
        try await body.write(ByteBuffer(bytes: ReplyFrame.opening))
        try await request.body.consumeWithInboundCloseHandler { _ in
            while let item = await listener.next() {
                do {
                    try await body.write(ByteBuffer(bytes: item.frame))
                    item.done(true)
                } catch {
                    item.done(false)
                    throw error
                }
            }
        } onInboundClosed: {
            listener.close()
        }
        try await body.finish(nil)
    }

    // MARK: Who asks

    func caller(_ request: Request, _ channel: any Channel) -> HookCaller {
        let headers = request.headers
        let isBrowser = headers[.origin] != nil || headers[.secFetchSite] != nil
        let isElsewhere = request.head.authority.map { !ListenAddress.isLoopbackHost($0) } ?? false
        let isRelayed = HTTPField.Name.relayed.contains { headers[$0] != nil } || headers[.via] != nil
        let ends = (channel.remoteAddress.flatMap(ListenAddress.init), channel.localAddress.flatMap(ListenAddress.init))
        return HookCaller(
            bearer: headers[.authorization].map(Self.bearer), isRelayed: isBrowser || isElsewhere || isRelayed
        ) { [identity] in
            guard case (.some(let peer), .some(let local)) = ends else { return nil }
            return identity.user(of: peer, connectedTo: local)
        }
    }

    func admission(_ request: Request, _ channel: any Channel, _ name: HookName) -> HookGate.Entry {
        gate.admit(caller(request, channel), to: name)
    }

    static func bearer(_ header: String) -> String {
        let parts = header.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return "" }
        return String(parts[1])
    }

    // MARK: Writing

    private func write(_ answer: HookAnswer, _ writer: consuming ResponseWriter) async throws {
        var text: [UInt8] = []
        var head = HTTPResponse(status: answer.status, headerFields: answer.headers)
        if answer.status != .noContent {
            text = answer.body.bytes + [UInt8(ascii: "\n")]
            head.headerFields[.contentType] = "application/json"
            head.headerFields[.contentLength] = String(text.count)
        }
        if answer.ends { head.headerFields[.connection] = "close" }
        try await writer.write(response: head, body: ResponseBody(byteBuffer: ByteBuffer(bytes: text)))
    }

    private func end(
        _ request: Request, _ answer: HookAnswer, _ writer: consuming ResponseWriter, _ channel: any Channel
    ) async throws {
        try await write(answer, writer)
        guard answer.ends else { return }
        var body = request.body.makeAsyncIterator()
        try await drain(&body, channel)
    }

    /// Closing with bytes unread would reset the connection, and the caller might never read the answer: so we say
    /// that we are done, read on for a moment, and close.
    private func drain(_ body: inout RequestBody.AsyncIterator, _ channel: any Channel) async throws {
        let deadline = channel.eventLoop.scheduleTask(in: Self.drainPatience) { channel.close(promise: nil) }
        defer { deadline.cancel() }
        var count = 0
        while count < Self.drainLimit, let part = try await body.next() { count += part.readableBytes }
        throw ConnectionEnds()
    }

    /// Ends the connection from inside the server's loop.
    private struct ConnectionEnds: Error {}
}

/// What a path stands for.
enum HookTarget: Hashable, Sendable {
    case health
    case hook(HookName)
    case replies(HookName)
    case pause(HookName)
    case resume(HookName)

    /// - Parameter paths: routes by the paths of their own.
    init?(_ path: String, paths: [String: HookName] = [:]) {
        if let name = paths[path] {
            self = .hook(name)
            return
        }
        let parts = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        switch (parts.count, parts.first) {
        case (1, "healthz"): self = .health
        case (2...3, "hooks"):
            guard let name = HookName(parts[parts.startIndex + 1]) else { return nil }
            switch parts.count == 2 ? "" : parts.last {
            case "": self = .hook(name)
            case "replies": self = .replies(name)
            case "pause": self = .pause(name)
            case "resume": self = .resume(name)
            default: return nil
            }
        default: return nil
        }
    }
}

extension HookGate.Entry {
    var refusal: HookAnswer? {
        switch self {
        case .admitted: return nil
        case .unauthorized: return .unauthorized
        case .notFound: return .notFound
        }
    }
}

extension ListenAddress {
    init?(_ address: SocketAddress) {
        guard let host = address.ipAddress, let port = address.port else { return nil }
        self.init(host: host, port: port)
    }
}
