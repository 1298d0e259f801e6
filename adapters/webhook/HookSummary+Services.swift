import AdapterKit

extension HookSummary {
    /// Currencies whose smallest unit is the whole one.
    private static let wholeCurrencies: Set<String> = [
        "bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf",
    ]

    static func stripe(_ json: JSONValue) -> HookSummary {
        let object = json["data"]?["object"] ?? .null
        var line = json["livemode"]?.boolValue == false ? "stripe test" : "stripe"
        line += " \(json.word("type") ?? "event")"
        if let id = object.word("id") { line += " \(id)" }
        let amount = object["amount"] ?? object["amount_due"] ?? object["amount_total"]
        if let amount = amount?.integerValue, let currency = object.word("currency") {
            line += " \(money(amount, currency)) \(currency)"
        }
        let isThin = json.word("object") == "v2.core.event"
        return HookSummary(
            line,
            facts: [
                object.word("status").map { "status \($0)" }, object.word("customer").map { "customer \($0)" },
                isThin ? "a thin event: its object must be fetched" : nil,
            ].compactMap { $0 }, identity: json.word("id").map { "event:\(digest([$0]))" })
    }

    private static func money(_ amount: Int64, _ currency: String) -> String {
        guard !wholeCurrencies.contains(currency.lowercased()) else { return String(amount) }
        let (whole, cents) = amount.magnitude.quotientAndRemainder(dividingBy: 100)
        return "\(amount < 0 ? "-" : "")\(whole).\(cents < 10 ? "0" : "")\(cents)"
    }

    static func slack(_ json: JSONValue) -> HookSummary {
        let event = json["event"] ?? .null
        var line = "slack \(event.word("type") ?? json.word("type") ?? "event")"
        if let user = event.word("user") ?? json.word("user", "id") { line += " by \(user)" }
        if let channel = event.word("channel") { line += " in \(channel)" }
        if let text = event.word("text") { line += ": \(text)" }
        return HookSummary(line, identity: json.word("event_id").map { "event:\(digest([$0]))" })
    }

    static func linear(_ json: JSONValue) -> HookSummary {
        let data = json["data"] ?? .null
        let who = json.word("actor", "name").map { " by \($0)" } ?? ""
        var line = "linear \(json.word("type") ?? "item") \(json.word("action") ?? "changed")\(who)"
        if let mark = data.word("identifier") { line += " \(mark)" }
        if let title = data.word("title") { line += ": \(title)" }
        // A retry carries a fresh time, or it would be out of its window: all but the time names it.
        let rest = (json.objectValue ?? [:]).filter { $0.key != "webhookTimestamp" }
        return HookSummary(
            line, link: json.word("url") ?? data.word("url"),
            facts: [data.word("state", "name").map { "state \($0)" }].compactMap { $0 },
            identity: "body:" + digest(rest.map { "\($0.key)=\($0.value.text)" }),
            fingerprint: data.word("identifier"))
    }
}
