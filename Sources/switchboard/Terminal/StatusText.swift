import JSON

/// The answer to `status`, for people.
struct StatusText {
    private let status: JSONValue

    init(_ status: JSONValue) { self.status = status }

    var text: String {
        var parts = [router, sources, sessions]
        if let prompts = PromptsText.status(status) { parts.append(prompts) }
        if let queues { parts.append(queues) }
        return parts.joined(separator: "\n\n")
    }

    private var router: String {
        let router = status["router"]
        let store = status["store"]
        let pid = router?["pid"]?.integerValue ?? 0
        var lines = [
            "router    up \(TimeText.age(since: router?["started_ms"]?.integerValue)), process \(pid), "
                + "version \(router?["version"]?.stringValue ?? "?")",
            "store     \(store?["state"]?.stringValue ?? "?"), \(count(store, "events")) events, "
                + "\(count(store, "waiting")) waiting, "
                + (count(store, "held") > 0 ? "\(count(store, "held")) held until a session is chosen, " : "")
                + "outbox \(count(store, "outbox")), "
                + TimeText.bytes(store?["bytes"]?.integerValue ?? 0),
        ]
        let letters = count(store, "dead_letters")
        if letters > 0 { lines.append("          \(letters) given up: see `switchboard deadletters`") }
        if let reason = store?["reason"]?.stringValue { lines.append("          \(Terminal.plain(reason))") }
        if let home = router?["home"]?.stringValue { lines.append("home      \(Terminal.plain(home))") }
        return lines.joined(separator: "\n")
    }

    private var sources: String {
        let sources = status["sources"]?.arrayValue ?? []
        guard !sources.isEmpty else { return "no sources" }
        var table = Table(["SOURCE", "KIND", "STATE", "FOR", "PID", "EVENTS", "REFUSED"], shrinking: 0)
        for source in sources {
            table.add([
                text(source, "name"), text(source, "kind"), text(source, "state"),
                TimeText.age(since: source["since_ms"]?.integerValue), number(source, "pid"), number(source, "events"),
                number(source, "refused"),
            ])
        }
        // What an adapter said before it went away holds no longer.
        let reasons = sources.filter { $0["state"]?.stringValue != "away" }.compactMap { source in
            source["reason"]?.stringValue.map { "  \(text(source, "name")): \(Terminal.plain($0))" }
        }
        return ([table.text] + reasons).joined(separator: "\n")
    }

    private var sessions: String {
        let sessions = status["sessions"]?.arrayValue ?? []
        return sessions.isEmpty ? "no sessions attached" : SessionsText(sessions).text
    }

    /// Only queues that hold or lost something: the others are noise at two in the morning.
    private var queues: String? {
        let queues = (status["queues"]?.arrayValue ?? []).filter {
            ($0["length"]?.integerValue ?? 0) > 0 || ($0["dropped"]?.integerValue ?? 0) > 0
        }
        guard !queues.isEmpty else { return nil }
        var table = Table(["QUEUE", "LENGTH", "LIMIT", "DROPPED"], shrinking: 0)
        for queue in queues {
            table.add([text(queue, "name"), number(queue, "length"), number(queue, "limit"), number(queue, "dropped")])
        }
        return table.text
    }

    private func count(_ value: JSONValue?, _ key: String) -> Int64 { value?[key]?.integerValue ?? 0 }
    private func text(_ value: JSONValue, _ key: String) -> String { value[key]?.stringValue ?? "-" }
    private func number(_ value: JSONValue, _ key: String) -> String {
        value[key]?.integerValue.map { String($0) } ?? "-"
    }
}
