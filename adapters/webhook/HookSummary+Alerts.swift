import AdapterKit
import Crypto

extension HookSummary {
    /// Alertmanager's and Grafana's form: a group of alerts, sent again while they fire. `nil` for anything else.
    static func alerts(_ json: JSONValue) -> HookSummary? {
        guard let group = json.word("groupKey"), let alerts = json["alerts"]?.arrayValue,
            let status = json.word("status")
        else { return nil }
        let name = json.word("commonLabels", "alertname") ?? json.word("groupLabels", "alertname") ?? "alert"
        let count = alerts.filter { $0.word("status") == status }.count
        let severity = json.word("commonLabels", "severity").map { " severity=\($0)" } ?? ""
        let first = alerts.first ?? .null
        let said =
            json.word("commonAnnotations", "summary") ?? json.word("commonAnnotations", "description")
            ?? first.word("annotations", "summary") ?? first.word("annotations", "description")
        let instances = alerts.prefix(3).compactMap { $0.word("labels", "instance") }
        let missing = json["truncatedAlerts"]?.integerValue ?? 0
        var line = "[\(status.uppercased()):\(count)] \(name)\(severity)"
        if let said { line += " — \(said)" }
        if !instances.isEmpty { line += " (\(instances.joined(separator: ", ")))" }
        if missing > 0 { line += " +\(missing) more" }
        let link =
            first.word("panelURL") ?? first.word("dashboardURL") ?? first.word("generatorURL")
            ?? json.word("externalURL")
        var summary = HookSummary(
            line, link: link, fingerprint: "alert:\(digest([group]))",
            state: status == "resolved" ? .resolved : .firing)
        // The same alerts in the same state are the same occurrence, however often they are repeated.
        summary.identity = occurrence(group, alerts) { $0.word("status") ?? status }
        if status == "resolved" { summary.closes = occurrence(group, alerts) { _ in "firing" } }
        return summary
    }

    private static func occurrence(_ group: String, _ alerts: [JSONValue], status: (JSONValue) -> String) -> String {
        let parts = alerts.map { alert in
            let mark = alert.word("fingerprint") ?? alert["labels"]?.text ?? ""
            return "\(mark)\u{0}\(status(alert))\u{0}\(alert.word("startsAt") ?? "")"
        }
        return "alert:" + digest([group] + parts.sorted())
    }

    /// 128 bits are enough to tell one occurrence from another.
    static func digest(_ parts: [String]) -> String {
        digest(Array(parts.joined(separator: "\u{1}").utf8))
    }

    static func digest(_ bytes: [UInt8]) -> String {
        SHA256.hash(data: bytes).prefix(16).map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }.joined()
    }

    static func sentry(_ json: JSONValue, _ resource: String?) -> HookSummary {
        let action = json.word("action")
        if let issue = json["data"]?["issue"], issue.objectValue != nil {
            let level = issue.word("level").map { " [\($0)]" } ?? ""
            let project = issue.word("project", "slug") ?? "sentry"
            let mark = issue.word("shortId") ?? "issue"
            return HookSummary(
                "\(project) \(mark) \(action ?? "changed")\(level): \(HookText.line(issue.word("title") ?? ""))",
                link: issue.word("web_url") ?? issue.word("permalink"),
                facts: [
                    issue.word("culprit"), issue.word("count").map { "seen \($0) times" },
                    issue.word("userCount").map { "\($0) users" },
                ].compactMap { $0 }, fingerprint: "\(project)/\(mark)",
                state: action.flatMap { ["created": .firing, "unresolved": .firing, "resolved": .resolved][$0] })
        }
        if let event = json["data"]?["event"], event.objectValue != nil {
            return HookSummary(
                "sentry alert \(json.word("data", "triggered_rule") ?? ""): \(event.word("title") ?? "")",
                link: event.word("web_url"), fingerprint: event.word("issue_id").map { "issue:\($0)" }, state: .firing)
        }
        return HookSummary(fallback("sentry", resource, action), isQuiet: resource == "installation")
    }

    static func pagerDuty(_ json: JSONValue) -> HookSummary {
        let event = json["event"] ?? .null
        let data = event["data"] ?? .null
        let type = event.word("event_type") ?? "event"
        var line = "pagerduty \(type)"
        if let title = data.word("title") { line += ": \(title)" }
        if let service = data.word("service", "summary") { line += " (\(service))" }
        return HookSummary(
            line, link: data.word("html_url"),
            facts: [
                data.word("status").map { "status \($0)" }, data.word("urgency").map { "urgency \($0)" },
                event.word("agent", "summary").map { "by \($0)" },
            ].compactMap { $0 }, isQuiet: type == "pagey.ping",
            identity: event.word("id").map { "event:\(digest([$0]))" },
            fingerprint: data.word("id").map { "incident:\(digest([$0]))" },
            state: ["incident.triggered": .firing, "incident.reopened": .firing, "incident.resolved": .resolved][type])
    }
}
