import JSON

/// How one source stands, as the router says.
struct SourceStanding: Hashable, Sendable {
    let name: String
    /// `up`, `deaf`, `failed`, or a word for what comes before.
    let state: String
    let reason: String?
    let pid: Int64?

    /// Whether the adapter has said how it stands with its platform.
    var isSettled: Bool { ["up", "deaf", "failed"].contains(state) }

    init(name: String, state: String, reason: String?, pid: Int64?) {
        self.name = name
        self.state = state
        self.reason = reason
        self.pid = pid
    }

    init?(_ value: JSONValue) {
        guard let name = value["name"]?.stringValue, let state = value["state"]?.stringValue else { return nil }
        self.init(name: name, state: state, reason: value["reason"]?.stringValue, pid: value["pid"]?.integerValue)
    }
}
