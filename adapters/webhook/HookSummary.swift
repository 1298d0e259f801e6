import AdapterKit

/// What a request says, for people: one line, and the link to more. Pure; every field is text from outside.
struct HookSummary: Hashable, Sendable {
    /// Who speaks and what happened.
    var line: String
    var link: String?
    /// Short facts below the line.
    var facts: [String] = []
    /// Whether it is a kind that nobody wants to be woken for: pings, labels, pushes onto an open pull request.
    var isQuiet = false
    /// The sender's own signed name of this occurrence; `nil` leaves it to the body's bytes.
    var identity: String?
    /// The same for all that is said about one alert or issue.
    var fingerprint: String?
    /// Whether that goes on or is over; `nil` for what is said beside it, such as a comment.
    var state: AlertState?
    /// The ``identity`` of what this one closes.
    var closes: String?

    /// The message as a session gets it.
    var text: String {
        var lines = [HookText.line(line)]
        lines += facts.prefix(12).map { "- " + HookText.line($0) }
        if let link = HookText.link(link) { lines.append(link) }
        return lines.joined(separator: "\n")
    }

    /// - Parameter event: what the sender's header calls the event; unsigned, so it only fills a fallback.
    /// - Returns: `nil` when there is nothing better than the body itself.
    init?(_ json: JSONValue, from scheme: HookScheme, event: String?) {
        switch scheme {
        case .github: self = Self.github(json, event)
        case .gitlab: self = Self.gitlab(json, event)
        case .sentry: self = Self.sentry(json, event)
        case .stripe: self = Self.stripe(json)
        case .slack: self = Self.slack(json)
        case .linear: self = Self.linear(json)
        case .pagerduty: self = Self.pagerDuty(json)
        case .bearer, .standard, .grafana, .telegram, .discord, .hmac, .mtls:
            guard let alerts = Self.alerts(json) else { return nil }
            self = alerts
        }
    }

    init(
        _ line: String, link: String? = nil, facts: [String] = [], isQuiet: Bool = false, identity: String? = nil,
        fingerprint: String? = nil, state: AlertState? = nil
    ) {
        self.line = line
        self.link = link
        self.facts = facts
        self.isQuiet = isQuiet
        self.identity = identity
        self.fingerprint = fingerprint
        self.state = state
    }

    static func fallback(_ sender: String, _ event: String?, _ action: String?) -> String {
        [sender, event, action].compactMap { $0 }.joined(separator: " ")
    }
}
