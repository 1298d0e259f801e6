import JSON

/// The sessions of `status` and `sessions`, for people.
struct SessionsText {
    private let sessions: [JSONValue]

    init(_ sessions: [JSONValue]) { self.sessions = sessions }

    var text: String {
        var table = Table(
            ["SESSION", "STATE", "CHANNEL", "HOOKS", "WAITING", "LAST", "PID", "PROJECT"], shrinking: 7)
        for session in sessions {
            table.add([
                session["label"]?.stringValue ?? "-", session["state"]?.stringValue ?? "-", Self.channel(of: session),
                session["hooks"]?.boolValue.map { $0 ? "yes" : "no" } ?? "-",
                session["waiting"]?.integerValue.map { String($0) } ?? "-",
                TimeText.age(since: session["last_delivery_ms"]?.integerValue),
                session["pid"]?.integerValue.map { String($0) } ?? "-", session["project"]?.stringValue ?? "-",
            ])
        }
        let remarks = sessions.compactMap { session -> String? in
            let label = session["label"]?.stringValue ?? "-"
            if let cause = session["deaf"]?.stringValue { return "  \(label) does not listen: \(cause)" }
            return session["tool"]?.stringValue.map { "  \(label) runs \($0)" }
        }
        return ([table.text] + remarks.map(Terminal.plain)).joined(separator: "\n")
    }

    /// Whether what is written to it reaches Claude, as far as anything showed that.
    private static func channel(of session: JSONValue) -> String {
        if session["deaf"] != nil { return "deaf" }
        guard session["state"]?.stringValue != "away" else { return "-" }
        return session["heard"]?.boolValue ?? false ? "heard" : "?"
    }
}
