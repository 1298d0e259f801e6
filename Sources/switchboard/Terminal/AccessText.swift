import JSON

/// `switchboard access list` and `audit` for people.
enum AccessText {
    static func list(_ list: JSONValue) -> String {
        var lines: [String] = []
        for source in list["sources"]?.arrayValue ?? [] {
            lines.append("\(source.word("source"))  direct messages: \(source.word("dm_policy"))")
            lines.append("  let in: \(source.words("allow"))")
            lines.append("  approvers: \(source.words("approvers"))")
            for group in source["groups"]?.arrayValue ?? [] {
                let policy = group["policy"]
                let mention = policy?["require_mention"]?.boolValue ?? true ? "must be addressed" : "hears everything"
                let allow = policy?["allow"] == nil ? "who is let in above" : policy?.words("allow") ?? ""
                let sessions = policy?["sessions"] == nil ? "" : "; only to \(policy?.words("sessions") ?? "")"
                lines.append("  group \(group.word("conversation")): \(mention); \(allow)\(sessions)")
            }
        }
        if lines.isEmpty { lines.append("There is no source yet: start `switchboard up`.") }
        let people = (list["people"]?.arrayValue ?? []).map { person in
            "  \(person.word("name"))\(person["owner"]?.boolValue ?? false ? " (owner)" : ""): \(person.words("addresses"))"
        }
        if !people.isEmpty { lines += ["", "People"] + people }
        let pairings = (list["pairings"]?.arrayValue ?? []).map { pairing in
            "  \(pairing.word("address")): switchboard access pair \(pairing.word("code"))"
                + "  (until \(TimeText.stamp(pairing["expires_ms"]?.integerValue ?? 0)))"
        }
        if !pairings.isEmpty { lines += ["", "Waiting to be let in"] + pairings }
        let refused = (list["refused"]?.arrayValue ?? []).map { entry in
            "  \(TimeText.stamp(entry["at_ms"]?.integerValue ?? 0))  \(entry.word("address")) in "
                + "\(entry.word("conversation")): \(entry.word("why"))"
                + (entry.word("mend").isEmpty ? "" : "\n    to change that: \(entry.word("mend"))")
        }
        if !refused.isEmpty { lines += ["", "Refused lately"] + refused }
        if list["static"]?.boolValue ?? false {
            lines += ["", "Access is static here: it is changed in switchboard.yaml."]
        }
        if let file = list["policy_file"]?.stringValue {
            lines += ["", "The administrator of this machine limits this: \(file)"]
        }
        return lines.flatMap { $0.split(separator: "\n", omittingEmptySubsequences: false) }
            .map { Terminal.plain(String($0)) }.joined(separator: "\n")
    }

    static func audit(_ audit: JSONValue) -> String {
        let lines = Self.audit(entries: audit["entries"]?.arrayValue ?? [])
        return lines.isEmpty ? "Nothing was decided or changed yet." : lines.joined(separator: "\n")
    }

    /// The audit stood the test.
    static func whole(_ result: JSONValue) -> String {
        func count(_ key: String) -> Int64 { result[key]?.integerValue ?? 0 }
        let parts = [
            (count("decisions"), "are as they were made"), (count("decisions_gone"), "are kept no longer"),
            (count("decisions_unsealed"), "of the last minute are not sealed yet"),
        ].filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
        return "the audit is whole: \(count("lines")) lines"
            + (parts.isEmpty ? "" : "; of the decisions \(parts.joined(separator: ", "))")
    }

    /// Every event with the rule that decided.
    static func decisions(_ audit: JSONValue) -> String {
        let lines = (audit["decisions"]?.arrayValue ?? []).map { entry in
            Terminal.plain(
                "\(TimeText.stamp(entry["time_ms"]?.integerValue ?? 0))  "
                    + "\(entry["allowed"]?.boolValue ?? false ? "let in " : "refused")  \(entry.word("rule"))  "
                    + "\(entry.word("sender")) in \(entry.word("conversation"))  \(entry.word("event_id"))")
        }
        return lines.isEmpty ? "Nothing came in yet." : lines.joined(separator: "\n")
    }

    static func audit(entries: [JSONValue]) -> [String] {
        entries.map { entry in
            let rest = ["conversation", "event", "session", "rule", "detail"].map(entry.word).filter { !$0.isEmpty }
            return Terminal.plain(
                "\(entry["id"]?.integerValue ?? 0)  \(TimeText.stamp(entry["at_ms"]?.integerValue ?? 0))  "
                    + "\(entry.word("kind")) by \(entry.word("actor"))  \(rest.joined(separator: " "))")
        }
    }
}

extension JSONValue {
    fileprivate func word(_ key: String) -> String { self[key]?.stringValue ?? "" }

    fileprivate func words(_ key: String) -> String {
        let words = (self[key]?.arrayValue ?? []).compactMap(\.stringValue)
        return words.isEmpty ? "nobody" : words.joined(separator: ", ")
    }
}
