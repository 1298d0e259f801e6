import JSON

/// `switchboard routes` for people, in the order in which a session is looked for.
enum RoutesText {
    static func list(_ list: JSONValue) -> String {
        var sections: [[String]] = []
        func add(_ title: String, _ lines: [String]) {
            if !lines.isEmpty { sections.append([title] + lines.map { "  \(Terminal.plain($0))" }) }
        }
        add("Chosen", pairs(list, "bindings"))
        add("Configured, the first match wins", (list["rules"]?.arrayValue ?? []).map(rule))
        add("Used last", pairs(list, "last_used"))
        add("Asked which session is meant", (list["asked"]?.arrayValue ?? []).compactMap(\.stringValue))
        add("A topic for each session in", (list["topic_chats"]?.arrayValue ?? []).compactMap(\.stringValue))
        add("Open topics", pairs(list, "topics"))
        let problems = (list["topic_problems"]?.arrayValue ?? []).map {
            "\(word($0, "session")) in \(word($0, "conversation")): \(word($0, "reason"))"
        }
        add("Topics that could not be made", problems)
        guard !sections.isEmpty else {
            return "Nothing is routed yet: a message goes to the only session, and where there are several it asks."
        }
        return sections.map { $0.joined(separator: "\n") }.joined(separator: "\n\n")
    }

    private static func pairs(_ list: JSONValue, _ key: String) -> [String] {
        let rows = (list[key]?.arrayValue ?? []).map { "\(word($0, "conversation")) → \(word($0, "session"))" }
        let rest = (list[key + "_count"]?.integerValue ?? 0) - Int64(rows.count)
        return rows + (rest > 0 ? ["and \(rest) more"] : [])
    }

    private static func rule(_ rule: JSONValue) -> String {
        let match = (rule["match"]?.objectValue ?? [:]).map { "\($0.key) \($0.value.stringValue ?? "")" }
        let labels = ["first_idle", "all"].compactMap { key in
            rule[key]?.arrayValue.map { labels in
                let names = labels.compactMap(\.stringValue).joined(separator: ", ")
                return key == "all" ? (names.isEmpty ? "all" : "all of \(names)") : "the first idle of \(names)"
            }
        }.first
        let target = rule["to"]?.stringValue ?? labels ?? (rule["hold"]?.boolValue == true ? "held" : nil)
        let urgent = rule["urgent"]?.boolValue == true ? "urgent" : nil
        let what = match.isEmpty ? "everything" : match.joined(separator: ", ")
        return "\(what) → \([target, urgent].compactMap(\.self).joined(separator: ", "))"
    }

    private static func word(_ value: JSONValue, _ key: String) -> String { value[key]?.stringValue ?? "" }
}
