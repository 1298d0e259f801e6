import JSON
import OperatingHome

/// What runs: the supervisor, the router, its store, the sources and the sessions.
extension Examination {
    mutating func examineRouter() {
        look(at: "router") { examination in
            guard try RouterQuery.runningRouter(examination.places) != nil else {
                return examination.note(
                    .broken, "router", "none runs for this home", mend: "start it: switchboard up --detach")
            }
            let status = try RouterQuery.ask("status", places: examination.places)
            examination.examine(router: status)
            examination.examine(store: status["store"])
            examination.examine(sources: status["sources"]?.arrayValue ?? [])
            examination.examine(
                sessions: status["sessions"]?.arrayValue ?? [], unassigned: status["unassigned"],
                held: status["store"]?["held"])
        }
    }

    private mutating func examine(router status: JSONValue) {
        let version = status["router"]?["version"]?.stringValue ?? "?"
        let pid = status["router"]?["pid"]?.integerValue ?? 0
        if version == Program.version {
            note(.good, "router", "process \(pid), version \(version)")
        } else {
            note(
                .notice, "router", "process \(pid) is version \(version), this program is \(Program.version)",
                mend: "switchboard up --stop, then switchboard up --detach")
        }
        do {
            if try FileLock.holder(places.supervisorLock) == nil {
                note(.notice, "supervisor", "the router runs by itself: nothing starts adapters again when they end")
            }
        } catch { note(.broken, "supervisor", error.message) }
    }

    private mutating func examine(store: JSONValue?) {
        let state = store?["state"]?.stringValue ?? "unknown"
        let waiting = store?["waiting"]?.integerValue ?? 0
        if state == "ok" {
            note(.good, "store", "\(store?["events"]?.integerValue ?? 0) events, \(waiting) waiting")
        } else {
            note(
                .broken, "store", "\(state): \(store?["reason"]?.stringValue ?? "")",
                mend: "nothing is taken in until this is mended; see: switchboard logs router")
        }
    }

    private mutating func examine(sources: [JSONValue]) {
        for source in sources {
            let name = source["name"]?.stringValue ?? "?"
            let reason = source["reason"]?.stringValue.map { ": \($0)" } ?? ""
            let since = TimeText.age(since: source["since_ms"]?.integerValue)
            switch source["state"]?.stringValue ?? "unknown" {
            case "up": note(.good, "source \(name)", "connected")
            case "away":
                note(
                    .notice, "source \(name)", "its adapter is away for \(since)\(reason)",
                    mend: "is it still configured? See: switchboard logs \(name)")
            case let state:
                note(
                    ["failed", "deaf"].contains(state) ? .broken : .notice, "source \(name)",
                    "\(state) for \(since)\(reason)",
                    mend: "switchboard logs \(name)")
            }
        }
    }

    private mutating func examine(sessions: [JSONValue], unassigned: JSONValue?, held: JSONValue?) {
        let attached = sessions.filter { $0["state"]?.stringValue != "away" }
        if attached.isEmpty {
            note(
                .notice, "sessions", "no Claude session is attached: messages wait",
                mend: "in a project: claude --dangerously-load-development-channels server:switchboard")
        }
        for session in attached {
            let name = "session \(session["label"]?.stringValue ?? "?")"
            let waiting = session["waiting"]?.integerValue ?? 0
            if let cause = session["deaf"]?.stringValue {
                note(
                    .broken, name, "it was written messages and shows no sign of them; likely cause: \(cause)",
                    mend: "restart that session: claude --dangerously-load-development-channels server:switchboard")
            } else {
                note(.good, name, "\(session["state"]?.stringValue ?? "attached"), \(waiting) waiting")
            }
            if session["hooks"]?.boolValue == false {
                note(
                    .notice, name,
                    "no hook of it arrived yet: whether Claude has seen a message is known by replies only")
            }
        }
        let waiting = unassigned?.integerValue ?? 0
        if waiting > 0 {
            note(
                .notice, "sessions", "\(waiting) messages wait for a session to come",
                mend: "start one, or give them to a known one: switchboard routes bind CONVERSATION LABEL")
        }
        let held = held?.integerValue ?? 0
        if held > 0 {
            note(
                .notice, "sessions", "\(held) messages wait for a session to be chosen",
                mend: "answer the question in the chat, or: switchboard routes bind CONVERSATION LABEL")
        }
    }
}
