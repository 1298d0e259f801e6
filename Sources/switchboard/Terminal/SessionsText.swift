import JSON

/// The sessions of `status` and `sessions`, for people.
struct SessionsText {
    private let sessions: [JSONValue]

    init(_ sessions: [JSONValue]) { self.sessions = sessions }

    var text: String {
        var table = Table(["SESSION", "STATE", "WAITING", "LAST", "HOOKS", "PID", "PROJECT"], shrinking: 6)
        for session in sessions {
            table.add([
                session["label"]?.stringValue ?? "-", session["state"]?.stringValue ?? "-",
                session["waiting"]?.integerValue.map { String($0) } ?? "-",
                TimeText.age(since: session["last_delivery_ms"]?.integerValue),
                session["hooks"]?.boolValue.map { $0 ? "yes" : "no" } ?? "-",
                session["pid"]?.integerValue.map { String($0) } ?? "-", session["project"]?.stringValue ?? "-",
            ])
        }
        return table.text
    }
}
