import JSON

/// Permission prompts that are open, and standing grants, for people.
enum PromptsText {
    /// `nil` when there is nothing to say.
    static func status(_ status: JSONValue) -> String? {
        let parts = [prompts(status["prompts"]), table(status["grants"])].compactMap(\.self)
        return parts.isEmpty ? nil : parts.joined(separator: "\n\n")
    }

    private static func prompts(_ list: JSONValue?) -> String? {
        let prompts = list?.arrayValue ?? []
        guard !prompts.isEmpty else { return nil }
        var table = Table(["PROMPT", "SESSION", "TOOL", "CODE", "OPEN", "CARDS"], shrinking: 5)
        for prompt in prompts {
            let cards = (prompt["cards"]?.arrayValue ?? []).compactMap(\.stringValue)
            table.add([
                "\(prompt["prompt"]?.integerValue ?? 0)", text(prompt, "session"), text(prompt, "tool"),
                text(prompt, "code"), TimeText.age(since: prompt["asked_ms"]?.integerValue),
                cards.isEmpty ? "nobody" : cards.joined(separator: " "),
            ])
        }
        let unseen = prompts.contains { $0["reachable"]?.boolValue == false }
        return table.text
            + (unseen
                ? "\n  nobody can answer: switchboard access approver add SOURCE ID; they write to the bot once" : "")
    }

    static func grants(_ answer: JSONValue) -> String {
        let isOn = answer["on"]?.boolValue ?? false
        let off = "Grants are off: none is used. permissions.grants in switchboard.yaml switches them on."
        guard let table = table(answer["grants"]) else { return isOn ? "There are no grants." : off }
        return isOn ? table : "\(off)\n\(table)"
    }

    private static func table(_ list: JSONValue?) -> String? {
        let grants = list?.arrayValue ?? []
        guard !grants.isEmpty else { return nil }
        var table = Table(["GRANT", "SESSION", "TOOL", "MATCHES", "LEFT", "FOR", "BY"], shrinking: 3)
        for grant in grants {
            let isInForce = grant["in_force"]?.boolValue ?? false
            table.add([
                "\(grant["grant"]?.integerValue ?? 0)", text(grant, "session"), text(grant, "tool"),
                text(grant, "matches"), "\(grant["left"]?.integerValue ?? 0)",
                isInForce ? TimeText.left(until: grant["expires_ms"]?.integerValue) : "not in force",
                text(grant, "giver"),
            ])
        }
        return table.text
    }

    private static func text(_ value: JSONValue, _ key: String) -> String { value[key]?.stringValue ?? "-" }
}
