import JSON

/// What `history` shows, for people: events and replies in the order of time, a line each for what it was, its text and
/// what became of it.
enum HistoryText {
    static func text(history: JSONValue) -> String {
        let events = (history["events"]?.arrayValue ?? []).map { ($0["time_ms"]?.integerValue ?? 0, text($0)) }
        let replies = (history["replies"]?.arrayValue ?? []).map { ($0["time_ms"]?.integerValue ?? 0, text(reply: $0)) }
        let lines = (events + replies).sorted { $0.0 < $1.0 }.map(\.1)
        return lines.isEmpty ? "nothing yet" : lines.joined(separator: "\n")
    }

    private static func text(reply: JSONValue) -> String {
        let verb = member(reply, "verb")
        var what = verb.isEmpty ? "reply" : verb
        if let part = reply["part"]?.integerValue, let total = reply["of"]?.integerValue { what += " \(part)/\(total)" }
        let lines = [
            "\(TimeText.stamp(reply["time_ms"]?.integerValue ?? 0))  \(member(reply, "conversation"))  \(what)  \(member(reply, "state"))",
            "  text   " + excerpt(reply["text"]?.stringValue ?? ""),
        ]
        let reason = member(reply, "reason")
        return fitted(lines + (reason.isEmpty ? [] : ["  why    \(reason)"]))
    }

    private static func fitted(_ lines: [String]) -> String {
        lines.map { Table.fit($0, min($0.count, Table.width)) }.joined(separator: "\n")
    }

    static func text(_ event: JSONValue) -> String {
        let kind = member(event, "kind")
        var lines = [
            [
                TimeText.stamp(event["time_ms"]?.integerValue ?? 0), member(event, "conversation"),
                member(event, "sender"),
                kind == "message" ? "" : kind, member(event, "decision"),
            ].filter { !$0.isEmpty }.joined(separator: "  "),
            "  id     \(member(event, "event_id"))",
        ]
        if let text = event["text"]?.stringValue { lines.append("  text   " + excerpt(text)) }
        for delivery in event["deliveries"]?.arrayValue ?? [] {
            let session = member(delivery, "session")
            lines.append("  to     \(session.isEmpty ? "no session yet" : session): \(member(delivery, "state"))")
        }
        return fitted(lines)
    }

    private static func member(_ value: JSONValue, _ key: String) -> String {
        Terminal.plain(value[key]?.stringValue ?? "")
    }

    private static func excerpt(_ text: String) -> String { Terminal.plain(String(text.prefix(200))) }
}
