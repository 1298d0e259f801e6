import JSON

/// What `switchboard explain` says to people.
enum ExplanationText {
    static func prediction(_ answer: JSONValue) -> String {
        let isAllowed = answer["allowed"]?.boolValue ?? false
        var lines = [
            "\(isAllowed ? "let in" : "refused"): \(answer["why"]?.stringValue ?? "") (\(answer["rule"]?.stringValue ?? ""))"
        ]
        if isAllowed {
            lines.append(
                answer["session"]?.stringValue.map { "it would go to \($0)" } ?? "no session would take it yet")
            if let reach = answer["reach"]?.arrayValue?.compactMap(\.stringValue) {
                lines.append("this sender reaches from there only: \(reach.joined(separator: ", "))")
            }
        }
        if answer["approver"]?.boolValue ?? false { lines.append("this sender may answer permission prompts") }
        return plain(lines)
    }

    static func past(_ answer: JSONValue) -> String {
        func word(_ key: String) -> String { answer[key]?.stringValue ?? "" }
        var lines = [
            "\(word("event_id"))  \(TimeText.stamp(answer["time_ms"]?.integerValue ?? 0))",
            "\(word("kind")) of \(word("sender")) in \(word("conversation")), known by \(word("authentication"))",
            word("text"),
        ]
        for line in AccessText.audit(entries: answer["audit"]?.arrayValue ?? []) { lines.append("audit \(line)") }
        return plain(lines)
    }

    private static func plain(_ lines: [String]) -> String { lines.map(Terminal.plain).joined(separator: "\n") }
}
