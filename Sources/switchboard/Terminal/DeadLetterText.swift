import JSON

/// Dead letters, for people: what, where, since when, why, and how it began.
enum DeadLetterText {
    static func text(_ answer: JSONValue) -> String {
        let letters = answer["letters"]?.arrayValue ?? []
        guard !letters.isEmpty else { return "no dead letters" }
        let lines = letters.map(lines).joined()
        return lines.map { Table.fit($0, min($0.count, Table.width)) }.joined(separator: "\n")
            + "\n\nretry: switchboard deadletters retry ID   drop: switchboard deadletters drop ID"
    }

    private static func lines(_ letter: JSONValue) -> [String] {
        let session = member(letter, "session")
        let place = member(letter, "conversation")
        var lines = [
            [
                member(letter, "id"), TimeText.stamp(letter["at_ms"]?.integerValue ?? 0), member(letter, "kind"),
                place.isEmpty ? member(letter, "source") : place, session.isEmpty ? "" : "of \(session)",
                member(letter, "state"),
            ].filter { !$0.isEmpty }.joined(separator: "  "),
            "  why    \(member(letter, "reason"))",
        ]
        if let total = letter["of"]?.integerValue {
            let parts = (letter["parts"]?.arrayValue ?? []).compactMap { $0.integerValue.map { "\($0)" } }
            lines.append("  parts  \(parts.joined(separator: ", ")) of \(total)")
        }
        if let text = letter["text"]?.stringValue {
            lines.append("  text   \(Terminal.plain(String(text.prefix(200))))")
        }
        return lines
    }

    private static func member(_ value: JSONValue, _ key: String) -> String {
        Terminal.plain(value[key]?.stringValue ?? "")
    }
}
