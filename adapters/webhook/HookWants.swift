import AdapterKit
import HTTPTypes

/// What a caller wants beyond that his message is stored. Pure.
struct HookWants: Hashable, Sendable {
    /// Longest time that an answer is waited for, in seconds.
    static let waitLimit = 120

    /// Where the answer goes.
    var callback: CallbackURL?
    /// Seconds to wait for the answer with the request open; `nil` waits for none.
    var wait: Int?

    /// - Parameter query: what stands behind the `?`.
    init(query: String?, headers: HTTPFields, route: HookRoute?) throws(HookBody.Unusable) {
        for pair in (query ?? "").split(separator: "&") where pair.hasPrefix("wait=") {
            guard let seconds = HookDigits.seconds(pair.dropFirst(5)), (1...Int64(Self.waitLimit)).contains(seconds)
            else {
                throw HookBody.Unusable(
                    status: 400, code: "wait", message: "wait is a number of seconds from 1 to \(Self.waitLimit)")
            }
            wait = Int(seconds)
        }
        guard let asked = headers[.callbackURL] else { return }
        guard let rule = route?.callback, rule.takesRequests else {
            throw HookBody.Unusable(
                status: 400, code: "callback",
                message: "this route takes no Callback-Url; its owner sets callback_requests")
        }
        guard let url = CallbackURL(asked), url.isSecure || rule.allowsPrivate else {
            throw HookBody.Unusable(status: 400, code: "callback", message: "Callback-Url is no https address")
        }
        callback = url
    }
}

extension HTTPField.Name {
    static let callbackURL = HTTPField.Name("Callback-Url")!
}
