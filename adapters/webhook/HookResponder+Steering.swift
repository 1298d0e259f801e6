import AdapterKit
import HTTPTypes
import HummingbirdCore
import NIOCore

/// What the owner of this machine may do with a route while it runs, and what a sender of CloudEvents asks first.
extension HookResponder {
    /// `POST /hooks/NAME/pause[?for=SECONDS]` and `/resume`. A route's own secret is its callers', not its owner's.
    func steer(_ request: Request, _ target: HookTarget?, _ name: HookName, _ channel: any Channel) async -> HookAnswer
    {
        guard gate.isOwner(caller(request, channel)) else { return .unauthorized }
        guard gate.routes == nil || gate.routes?[name] != nil else { return .notFound }
        var until: Int64?
        for pair in (request.uri.query ?? "").split(separator: "&") where pair.hasPrefix("for=") {
            guard let seconds = HookDigits.seconds(pair.dropFirst(4)), (1...2_592_000).contains(seconds) else {
                return .refusal(.badRequest, "for", "for is a number of seconds, at most 2592000 (30 days)")
            }
            until = SystemClock.milliseconds + seconds * 1000
        }
        let isPause = target == .pause(name)
        do throws(PublishError) {
            _ = try await ledger.publish([], within: Self.commitPatience) { [until] record, _ in
                if isPause { record.pause(name, until: until) } else { record.resume(name) }
            }
        } catch {
            return .unavailable(error.code.rawValue, error.description)
        }
        connection.log.notice(
            isPause ? "route paused" : "route resumed", metadata: ["route": "\(name.text)"])
        var body: JSONObject = ["route": .string(name.text), "status": isPause ? "paused" : "open"]
        if isPause, let until { body["until"] = .string(Timestamp.text(milliseconds: until)) }
        return HookAnswer(status: .ok, body: .object(body))
    }

    /// What a paused route answers: nothing is taken, and the sender comes again.
    func pause(of name: HookName) -> HookAnswer? {
        guard let left = ledger.record.pause(of: name, now: SystemClock.milliseconds) else { return nil }
        var answer = HookAnswer.unavailable("paused", "this route is paused by its owner")
        answer.headers[.retryAfter] = String(min(max(left / 1000, 1), 3600))
        return answer
    }

    /// What a route answers that had all that it takes within a minute.
    func overspent(_ route: HookRoute?) -> HookAnswer? {
        guard let route, let limit = route.budget,
            let left = budget.take(route.name, limit: limit, now: SystemClock.milliseconds)
        else { return nil }
        var answer = HookAnswer.unavailable("budget", "this route takes \(limit) requests a minute")
        answer.headers[.retryAfter] = String((left + 999) / 1000)
        return answer
    }

    /// The handshake of the CloudEvents webhook specification: whoever asks is told that he may come, and how fast;
    /// what he sends then is judged as everybody's.
    func consent(_ request: Request, _ name: HookName) -> HookAnswer {
        guard let origin = request.headers[Self.requestOrigin], !origin.isEmpty, origin.utf8.count <= 253,
            gate.routes?[name]?.scheme == .bearer
        else { return .method(.post) }
        var answer = HookAnswer(status: .noContent, body: .null)
        answer.headers[.allow] = "POST"
        answer.headers[Self.allowedOrigin] = origin
        answer.headers[Self.allowedRate] = "*"
        return answer
    }

    private static let requestOrigin = HTTPField.Name("WebHook-Request-Origin")!
    private static let allowedOrigin = HTTPField.Name("WebHook-Allowed-Origin")!
    private static let allowedRate = HTTPField.Name("WebHook-Allowed-Rate")!
}
