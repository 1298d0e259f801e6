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

    func respond(to request: Request, writer: consuming ResponseWriter, channel: any Channel) async throws {
        switch Target(request.uri.path) {
        case .health:
            guard request.method == .get else { return try await refuse(.method("GET"), request, writer, channel) }
            let isUp = connection.isWelcomed
            let body: JSONValue = ["status": isUp ? "up" : "waiting for the router"]
            try await answer(isUp ? .ok : .serviceUnavailable, body, writer)
        case .hook(let name):
            guard request.method == .post else { return try await refuse(.method("POST"), request, writer, channel) }
            try await receive(request, name, writer, channel)
        case .replies(let name):
            guard request.method == .get else { return try await refuse(.method("GET"), request, writer, channel) }
            try await stream(request, name, writer, channel)
        case nil: try await refuse(.notFound, request, writer, channel)
        }
    }

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

    // MARK: POST /hooks/NAME

    private func receive(
        _ request: Request, _ name: HookName, _ writer: consuming ResponseWriter, _ channel: any Channel
    ) async throws {
        // All that can be judged by the head is, before a byte of the body is read.
        let authentication: Authentication
        let sender: String
        switch gate.admit(caller(request, channel), to: name) {
        case .admitted(let way, let who): (authentication, sender) = (way, who)
        case .unauthorized: return try await refuse(.unauthorized, request, writer, channel)
        case .notFound: return try await refuse(.notFound, request, writer, channel)
        }
        guard let form = HookBody.Form(contentType: request.headers[.contentType]) else {
            return try await refuse(.mediaType, request, writer, channel)
        }
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > HookBody.limit {
            return try await refuse(.oversize, request, writer, channel)
        }
        guard let id = HookBody.eventID(hook: name, idempotencyKey: request.headers[.idempotencyKey]) else {
            return try await refuse(.idempotencyKey, request, writer, channel)
        }
        if request.headers[.expect]?.lowercased() == "100-continue" {
            try await writer.writeInformationalHead(HTTPResponse(status: .continue))
        }
        let deadline = channel.eventLoop.scheduleTask(in: Self.bodyPatience) { channel.close(promise: nil) }
        defer { deadline.cancel() }
        var bytes: [UInt8] = []
        var parts = request.body.makeAsyncIterator()
        while let part = try await parts.next() {
            guard bytes.count + part.readableBytes <= HookBody.limit else {
                return try await refuse(.oversize, &parts, writer, channel)
            }
            bytes.append(contentsOf: part.readableBytesView)
        }
        deadline.cancel()
        let body: EventBody
        do throws(HookBody.Unusable) {
            body = try HookBody.read(bytes, as: form)
        } catch {
            let status = HTTPResponse.Status(code: error.status)
            return try await answer(status, HookRefusal.body(error.code, error.message), writer)
        }
        let head = EventHead(
            id: id, chat: name.text, sender: sender, authentication: authentication, flags: [.direct, .bot],
            time: SystemClock.milliseconds)
        try await publish(Event(head: head, body: body), writer)
    }

    private func publish(_ event: Event, _ writer: consuming ResponseWriter) async throws {
        let key = EventKey(source: connection.source, id: event.head.id).description
        do throws(PublishError) {
            let publication = try await connection.publish([event], within: Self.commitPatience)
            if let refusal = publication.refused.first {
                connection.log.notice("event refused", metadata: ["event": "\(key)", "code": "\(refusal.code)"])
                let body = HookRefusal.body(refusal.code, "Switchboard did not take this message: \(refusal.code)")
                return try await answerAnyway(refusal.code == "not-allowed" ? .forbidden : .unprocessableContent, body, writer)
            }
            connection.log.info("event stored", metadata: ["event": "\(key)"])
            try await answerAnyway(.accepted, ["event_id": .string(key), "status": "stored"], writer)
        } catch {
            connection.log.notice("event not stored", metadata: ["event": "\(key)", "code": "\(error.code.rawValue)"])
            let body = HookRefusal.body(error.code.rawValue, error.description)
            try await answer(.serviceUnavailable, body, [.retryAfter: "5"], writer)
        }
    }
}
