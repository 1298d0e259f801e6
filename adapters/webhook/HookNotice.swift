import AdapterKit
import HTTPTypes

/// A verified request of a signing route, read. Pure.
enum HookReading: Sendable {
    /// The sender tries the address out and wants this back; nothing is stored.
    case handshake(HookAnswer)
    /// Nothing that anybody wants to be woken for.
    case quiet
    case notice(HookNotice)
}

/// One event in the making.
struct HookNotice: Hashable, Sendable {
    /// Made only of what the sender signed: a captured request under other headers is the same event again.
    var identity: String
    var body: EventBody
    var kind = EventKind.message
    var fingerprint: String?
    var state: AlertState?
    var replyTo: String?

    /// - Parameter chat: where the route's messages belong.
    func head(
        _ route: HookName, in chat: HookName, sender: String, _ authentication: Authentication, now: Int64
    ) -> EventHead {
        EventHead(
            id: "\(route.text):\(identity)", chat: chat.text, sender: sender, kind: kind,
            authentication: authentication, flags: [.direct, .bot],
            fingerprint: fingerprint.map { "\(route.text):\($0)" }, state: state,
            replyTo: replyTo.map { "\(route.text):\($0)" }, time: now)
    }
}

extension HookReading {
    /// - Throws: what is wrong with the body; the caller is told.
    static func read(_ route: HookRoute, _ headers: HTTPFields, _ raw: [UInt8]) throws(HookBody.Unusable) -> HookReading
    {
        // Headers are not signed. What kind of body it is and what it is called is decided by its bytes alone, so that a
        // captured request cannot become a second event under another Content-Type; headers only choose the wording.
        let content = HookForm.payload(raw) ?? raw
        let json: JSONValue?
        do throws(JSONError) {
            json = try JSONValue(parsing: content)
        } catch {
            json = nil
        }
        guard let json else {
            guard route.rule.takes(nil) else { return .quiet }
            guard let form = HookBody.Form(contentType: headers[.contentType]) else {
                throw HookBody.Unusable(status: 415, code: "media-type", message: "send text/plain or application/json")
            }
            return try bounded(HookNotice(plain: try HookBody.read(raw, as: form), headers, raw, route))
        }
        if let handshake = handshake(json, route.scheme) { return .handshake(handshake) }
        guard route.rule.takes(json) else { return .quiet }
        guard let summary = HookSummary(json, from: route.scheme, event: event(headers, route.scheme)) else {
            var notice = HookNotice(plain: try HookBody.read(content, as: .json), headers, raw, route)
            if let events = try cloudEvents(headers, raw), !events.isEmpty {
                notice.body.text = events.map(\.summary.text).joined(separator: "\n")
            }
            route.rule.apply(to: &notice, json)
            return try bounded(notice)
        }
        if summary.isQuiet, !route.tellsQuiet { return .quiet }
        var notice = HookNotice(summary, original: json)
        if summary.identity == nil { notice.identity = HookNotice.identity(headers, raw, route) }
        route.rule.apply(to: &notice, json)
        return try bounded(notice)
    }

    static func cloudEvents(_ headers: HTTPFields, _ raw: [UInt8]) throws(HookBody.Unusable)
        -> [HookCloudEvent]?
    {
        do throws(HookCloudEvent.Malformed) {
            return try HookCloudEvent.read(headers, raw)
        } catch {
            throw HookBody.Unusable(status: 400, code: "cloudevent", message: error.message)
        }
    }

    /// Escapes can make the encoded form too long for the bus: then the original stays behind, never the text.
    private static func bounded(_ notice: HookNotice) throws(HookBody.Unusable) -> HookReading {
        var notice = notice
        if notice.body.json.count > BusLimits.payloadBytes { notice.body.original = nil }
        guard notice.body.json.count <= BusLimits.payloadBytes else {
            throw HookBody.Unusable(status: 413, code: "oversize", message: "the body is too large once encoded")
        }
        return .notice(notice)
    }

    private static func handshake(_ json: JSONValue, _ scheme: HookScheme) -> HookAnswer? {
        switch scheme {
        case .slack where json["type"]?.stringValue == "url_verification":
            guard let challenge = json["challenge"]?.stringValue, challenge.utf8.count <= 1024 else { return nil }
            return HookAnswer(status: .ok, body: ["challenge": .string(challenge)])
        case .discord where json["type"]?.integerValue == 1 && json["event"] == nil:
            return HookAnswer(status: .ok, body: ["type": 1])
        case .discord where json["type"]?.integerValue == 0:
            return HookAnswer(status: .noContent, body: .null)
        default: return nil
        }
    }

    private static func event(_ headers: HTTPFields, _ scheme: HookScheme) -> String? {
        let name: String? =
            switch scheme {
            case .github: "X-GitHub-Event"
            case .gitlab: "X-Gitlab-Event"
            case .sentry: "Sentry-Hook-Resource"
            default: nil
            }
        return name.flatMap { HTTPField.Name($0) }.flatMap { headers[$0] }.map { HookText.line($0, limit: 40) }
    }
}

extension HookNotice {
    init(_ summary: HookSummary, original: JSONValue) {
        self.init(
            identity: summary.identity ?? "", body: EventBody(text: summary.text, original: original),
            kind: summary.state == nil ? .message : .alert, fingerprint: summary.fingerprint.map(Self.mark),
            state: summary.state, replyTo: summary.closes)
    }

    /// A name of bounded length: what a sender calls its runs and branches may be as long as it likes.
    private static func mark(_ fingerprint: String) -> String {
        let line = HookText.line(fingerprint)
        return line.utf8.count <= 300 ? line : "long:" + HookSummary.digest([fingerprint])
    }

    init(plain body: EventBody, _ headers: HTTPFields, _ raw: [UInt8], _ route: HookRoute) {
        self.init(identity: Self.identity(headers, raw, route), body: body)
    }

    /// A name for what has none of its own: the signed id where the scheme has one, else the bytes that are signed.
    static func identity(_ headers: HTTPFields, _ raw: [UInt8], _ route: HookRoute) -> String {
        // A proved certificate signs no body: as with a token, two requests with the same words are two messages.
        if route.scheme == .mtls, let named = HookBody.identity(idempotencyKey: headers[.idempotencyKey]) {
            return named
        }
        let isStandard = route.scheme == .standard
        if isStandard, let id = HTTPField.Name("webhook-id").flatMap({ headers[$0] }) {
            return "id:" + HookSummary.digest([id])
        }
        var signed: [UInt8] = []
        if let time = route.proof?.form?.timestampHeader.flatMap({ HTTPField.Name($0) }).flatMap({ headers[$0] }) {
            signed += Array("\(time):".utf8)
        }
        return "body:" + HookSummary.digest(signed + raw)
    }
}
