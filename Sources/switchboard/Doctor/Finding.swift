import JSON

/// One thing that `switchboard doctor` looked at, and how it stands.
struct Finding: Equatable {
    enum Grade: String {
        /// Nothing to do.
        case good
        /// Works, but may surprise.
        case notice
        /// Keeps something from working until a person mends it.
        case broken
    }

    /// What was looked at: `router`, `source NAME`, `session api`.
    var subject: String
    var grade: Grade
    var message: String
    /// What to do, in one sentence; empty where there is nothing.
    var mend = ""

    var text: String {
        let mark =
            switch grade {
            case .good: "ok    "
            case .notice: "note  "
            case .broken: "MEND  "
            }
        let line = mark + Terminal.plain("\(subject): \(message)")
        return mend.isEmpty ? line : line + "\n      → " + Terminal.plain(mend)
    }

    var json: JSONValue {
        var members: JSONObject = [
            "subject": .string(subject), "grade": .string(grade.rawValue), "message": .string(message),
        ]
        if !mend.isEmpty { members["mend"] = .string(mend) }
        return .object(members)
    }
}
