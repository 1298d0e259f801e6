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
    let identity: any PeerIdentity

    enum Target: Hashable {
        case health
        case hook(HookName)
        case replies(HookName)

        init?(_ path: String) {
            let parts = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
            switch (parts.count, parts.first) {
            case (1, "healthz"): self = .health
            case (2, "hooks"):
                guard let name = HookName(parts[parts.startIndex + 1]) else { return nil }
                self = .hook(name)
            case (3, "hooks"):
                guard parts.last == "replies", let name = HookName(parts[parts.startIndex + 1]) else { return nil }
                self = .replies(name)
            default: return nil
            }
        }
    }

    func respond(to request: Request, writer: consuming ResponseWriter, channel: any Channel) async throws {
        if case .replies(let name) = Target(request.uri.path), request.method == .get {
            if let refusal = admission(request, channel, name).refusal {
                return try await end(request, refusal, writer, channel)
            }
            guard let listener = replies.listen(to: name, after: request.headers[.lastEventID]) else {
                return try await end(request, .unavailable("overloaded", "too many streams are open"), writer, channel)
            }
            return try await stream(request, listener, name, writer)
        }
        var body = request.body.makeAsyncIterator()
        let answer = try await answer(request, &body, channel, writer)
        try await write(answer, writer)
        if answer.ends { try await drain(&body, channel) }
    }

    private func answer(
        _ request: Request, _ body: inout RequestBody.AsyncIterator, _ channel: any Channel,
        _ writer: borrowing ResponseWriter
    ) async throws -> HookAnswer {
        switch Target(request.uri.path) {
        case .health:
            guard request.method == .get else { return .method(.get) }
            let isUp = connection.isWelcomed
            let status: JSONValue = ["status": isUp ? "up" : "waiting for the router"]
            return HookAnswer(status: isUp ? .ok : .serviceUnavailable, body: status)
        case .replies: return .method(.get)
        case .hook(let name):
            guard request.method == .post else { return .method(.post) }
            return try await receive(request, &body, name, channel, writer)
        case nil: return .notFound
        }
    }

    // MARK: POST /hooks/NAME

    private func receive(
        _ request: Request, _ parts: inout RequestBody.AsyncIterator, _ name: HookName, _ channel: any Channel,
        _ writer: borrowing ResponseWriter
    ) async throws -> HookAnswer {
        if let route = gate.signingRoute(name) {
            return try await receiveSigned(request, &parts, route, channel, writer)
        }
        // All that can be judged by the head is, before a byte of the body is read.
        let admission = admission(request, channel, name)
        guard case .admitted(let authentication, let sender) = admission else {
            return admission.refusal ?? .unauthorized
        }
        guard let form = HookBody.Form(contentType: request.headers[.contentType]) else { return .mediaType }
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > HookBody.limit {
            return .oversize
        }
        let key = request.headers[.idempotencyKey]
        guard let id = HookBody.eventID(hook: name, idempotencyKey: key) else { return .idempotencyKey }
        if request.headers[.expect]?.lowercased() == "100-continue" {
            try await writer.writeInformationalHead(HTTPResponse(status: .continue))
        }
        guard let bytes = try await collect(&parts, channel, HookBody.limit) else { return .oversize }
        if let answer = await publishCloudEvents(request, bytes, name, sender, authentication) { return answer }
        // Monitoring that cannot sign speaks in a form of its own; a key of the caller's goes before it.
        if key == nil, let notice = HookNotice(alertIn: bytes, as: form) {
            let head = notice.head(name, sender: sender, authentication, now: SystemClock.milliseconds)
            return await publish([Event(head: head, body: notice.body)])
        }
        let body: EventBody
        do throws(HookBody.Unusable) {
            body = try HookBody.read(bytes, as: form)
        } catch {
            return .refusal(HTTPResponse.Status(code: error.status), error.code, error.message, ends: false)
        }
        let head = EventHead(
            id: id, chat: name.text, sender: sender, authentication: authentication, flags: [.direct, .bot],
            time: SystemClock.milliseconds)
        return await publish([Event(head: head, body: body)])
    }

    /// The whole body; `nil` when it is too long.
    func collect(
        _ parts: inout RequestBody.AsyncIterator, _ channel: any Channel, _ limit: Int
    ) async throws -> [UInt8]? {
        let deadline = channel.eventLoop.scheduleTask(in: Self.bodyPatience) { channel.close(promise: nil) }
        defer { deadline.cancel() }
        var bytes: [UInt8] = []
        while let part = try await parts.next() {
            guard bytes.count + part.readableBytes <= limit else { return nil }
            bytes.append(contentsOf: part.readableBytesView)
        }
        return bytes
    }

    /// - Parameter events: at least one; they are committed together.
    func publish(_ events: [Event]) async -> HookAnswer {
        let key = EventKey(source: connection.source, id: events.first?.head.id ?? "").description
        do throws(PublishError) {
            let publication = try await connection.publish(events, within: Self.commitPatience)
            guard let refusal = publication.refused.first else {
                connection.log.info("event stored", metadata: ["event": "\(key)"])
                return .stored(key)
            }
            connection.log.notice("event refused", metadata: ["event": "\(key)", "code": "\(refusal.code)"])
            let isForbidden = refusal.code == ProtocolError.Code.notAllowed.rawValue
            let message = "Switchboard did not take this message: \(refusal.code)"
            return .refusal(isForbidden ? .forbidden : .unprocessableContent, refusal.code, message, ends: false)
        } catch {
            connection.log.notice("event not stored", metadata: ["event": "\(key)", "code": "\(error.code.rawValue)"])
            return .unavailable(error.code.rawValue, error.description)
        }
    }

    // MARK: GET /hooks/NAME/replies

    private func stream(
        _ request: Request, _ listener: ReplyListener, _ name: HookName, _ writer: consuming ResponseWriter
    ) async throws {
        defer { replies.leave(listener, from: name) }
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

    private func admission(_ request: Request, _ channel: any Channel, _ name: HookName) -> HookGate.Entry {
        let headers = request.headers
        let isBrowser = headers[.origin] != nil || headers[.secFetchSite] != nil
        let isElsewhere = request.head.authority.map { !ListenAddress.isLoopbackHost($0) } ?? false
        let isRelayed = HTTPField.Name.relayed.contains { headers[$0] != nil } || headers[.via] != nil
        let ends = (channel.remoteAddress.flatMap(ListenAddress.init), channel.localAddress.flatMap(ListenAddress.init))
        let caller = HookCaller(
            bearer: headers[.authorization].map(Self.bearer), isRelayed: isBrowser || isElsewhere || isRelayed
        ) { [identity] in
            guard case (.some(let peer), .some(let local)) = ends else { return nil }
            return identity.user(of: peer, connectedTo: local)
        }
        return gate.admit(caller, to: name)
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
