import JSON

/// One event of `history`, for people: a line each for what it was, its text, its deliveries and its replies.
enum HistoryText {
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
        for reply in event["replies"]?.arrayValue ?? [] {
            lines.append("  reply  \(member(reply, "state")): " + excerpt(reply["text"]?.stringValue ?? ""))
        }
        return lines.map { Table.fit($0, min($0.count, Table.width)) }.joined(separator: "\n")
    }

    private static func member(_ value: JSONValue, _ key: String) -> String {
        Terminal.plain(value[key]?.stringValue ?? "")
    }

    private static func excerpt(_ text: String) -> String { Terminal.plain(String(text.prefix(200))) }
}
