import AdapterKit

/// What a route makes of a JSON body beyond the summary: what it lets through, what it says, what counts as the same.
/// Pure; paths and template come from the configuration, all values from outside.
struct HookRule: Sendable {
    static let shape = [
        Setting(
            "filters", .list(.object(HookFilter.shape)),
            "conditions that must all hold; the rest is answered 200 and dropped"),
        Setting(
            "template", .text,
            "Mustache for the message, over the body: {{service}}, {{#alerts}}…{{/alerts}}, {{alerts.0.status}}"),
        Setting(
            "values", .map(.text),
            "names for the template with the JSON path of each: {host: '$.labels[\"k8s.io/host\"]'}"),
        Setting(
            "dedup", .list(.text),
            "JSON paths whose values name an occurrence; the same values again are the same event"),
        Setting(
            "alert",
            .object([
                Setting("fingerprint", .list(.text), "JSON paths whose values name the alert", isRequired: true),
                Setting("resolved", .object(HookFilter.shape), "when it is over; without this it is told as firing"),
            ]), "makes alerts of a home-made sender's requests"),
    ]

    var filters: [HookFilter] = []
    var template: HookTemplate?
    var dedup: [JSONPath] = []
    var fingerprint: [JSONPath] = []
    var resolved: HookFilter?

    var isEmpty: Bool { filters.isEmpty && template == nil && dedup.isEmpty && fingerprint.isEmpty }

    /// Whether a body is let through; `nil` is one that is not JSON.
    func takes(_ json: JSONValue?) -> Bool {
        guard !filters.isEmpty else { return true }
        guard let json else { return false }
        return filters.allSatisfy { $0.holds(json) }
    }

    /// - Parameter keepsIdentity: whether the caller named the event himself.
    func apply(to notice: inout HookNotice, _ json: JSONValue, keepsIdentity: Bool = false) {
        if let text = template?.text(of: json) { notice.body.text = text }
        if let names = Self.words(fingerprint, json) {
            notice.kind = .alert
            notice.fingerprint = "rule:" + HookSummary.digest(names)
            notice.state = resolved?.holds(json) ?? false ? .resolved : .firing
        }
        if !keepsIdentity, let names = Self.words(dedup, json) {
            // An end is another occurrence than its beginning, whatever they have in common.
            notice.identity = "rule:" + HookSummary.digest(names + (notice.state == .resolved ? ["resolved"] : []))
        }
    }

    /// All of them, or none: half a name would be everybody's.
    private static func words(_ paths: [JSONPath], _ json: JSONValue) -> [String]? {
        guard !paths.isEmpty else { return nil }
        let words = paths.compactMap { $0.word(in: json) }
        return words.count == paths.count ? words : nil
    }
}
