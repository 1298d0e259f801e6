import AdapterKit
import HTTPTypes

/// What a request is answered with, when it is not a stream.
struct HookAnswer: Sendable {
    var status: HTTPResponse.Status
    var body: JSONValue
    var headers: HTTPFields = [:]
    /// Whether the rest of the request is of no interest: the connection ends after this.
    var ends = false
    /// Told once whether the answer was written.
    var written: (@Sendable (Bool) -> Void)?

    static func refusal(_ status: HTTPResponse.Status, _ code: String, _ message: String, ends: Bool = true)
        -> HookAnswer
    {
        HookAnswer(
            status: status, body: ["status": "refused", "code": .string(code), "message": .string(message)], ends: ends)
    }

    static let notFound = refusal(.notFound, "not-found", "there is nothing here; POST to /hooks/NAME")

    static var unauthorized: HookAnswer {
        var answer = refusal(
            .unauthorized, "unauthorized",
            "send Authorization: Bearer TOKEN: the route's secret or, without one, what run/webhook.token of the home holds"
        )
        answer.headers[.wwwAuthenticate] = "Bearer"
        return answer
    }

    /// Which of header, time and signature failed is for our log alone. The whole body was read: the connection stays.
    static let unsigned = refusal(
        .unauthorized, "unauthorized", "the signature or token does not fit; see the log and the route's scheme",
        ends: false)

    static func method(_ allowed: HTTPRequest.Method) -> HookAnswer {
        var answer = refusal(.methodNotAllowed, "method", "use \(allowed.rawValue) here")
        answer.headers[.allow] = allowed.rawValue
        return answer
    }

    static let mediaType = refusal(
        .unsupportedMediaType, "media-type", "send text/plain or application/json, in UTF-8")
    static let oversize = refusal(
        .contentTooLarge, "oversize", "a message has at most \(HookBody.limit) bytes, or what the route says")
    static let idempotencyKey = refusal(
        .badRequest, "idempotency-key", "an Idempotency-Key has 1 to 128 bytes")

    /// Taken and dropped: a sender is told so once and does not come again.
    static let ignored = HookAnswer(status: .ok, body: ["status": "ignored"])

    static func answered(_ event: String, _ reply: ReplyWaiter.Reply) -> HookAnswer {
        HookAnswer(
            status: .ok, body: ["event_id": .string(event), "status": "answered", "text": .string(reply.text)],
            written: reply.done)
    }

    static func stored(_ event: String) -> HookAnswer {
        HookAnswer(status: .accepted, body: ["event_id": .string(event), "status": "stored"])
    }

    static func unavailable(_ code: String, _ message: String) -> HookAnswer {
        let body: JSONValue = ["status": "not-stored", "code": .string(code), "message": .string(message)]
        return HookAnswer(status: .serviceUnavailable, body: body, headers: [.retryAfter: "5"])
    }
}

extension HTTPField.Name {
    static let idempotencyKey = HTTPField.Name("Idempotency-Key")!
    static let lastEventID = HTTPField.Name("Last-Event-ID")!
    static let secFetchSite = HTTPField.Name("Sec-Fetch-Site")!
    /// What proxies and tunnels add: then the process that holds the socket is not the one that asks.
    static let relayed = ["Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "CF-Connecting-IP"]
        .compactMap { HTTPField.Name($0) }
}
