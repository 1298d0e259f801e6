import JSON

/// What `switchboard explain` says to people.
enum ExplanationText {
    static func prediction(_ answer: JSONValue) -> String {
        let isAllowed = answer["allowed"]?.boolValue ?? false
        var lines = [
            "\(isAllowed ? "let in" : "refused"): \(answer["why"]?.stringValue ?? "") (\(answer["rule"]?.stringValue ?? ""))"
        ]
        if isAllowed {
            lines.append(destination(answer))
            if let reach = answer["reach"]?.arrayValue?.compactMap(\.stringValue) {
                lines.append("this sender reaches from there only: \(reach.joined(separator: ", "))")
            }
        }
        if answer["approver"]?.boolValue ?? false { lines.append("this sender may answer permission prompts") }
        return plain(lines)
    }

    private static func destination(_ answer: JSONValue) -> String {
        switch answer["choice"]?.stringValue {
        case "session": return "it would go to \(answer["session"]?.stringValue ?? "")"
        case "all":
            let sessions = (answer["sessions"]?.arrayValue ?? []).compactMap(\.stringValue)
            return "it would go to each of \(sessions.joined(separator: ", "))"
        case "ask": return "several sessions may take it: the chat would be asked which"
        case "hold": return "a route keeps it until a session is chosen"
        default: return "no session would take it yet: it would wait"
        }
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
