import BusProtocol
import JSON
import MessageStore

/// What a caller is told about a reply: how certain each part is, and what will happen.
enum ReplyOutcome {
    static func of(_ parts: [OutboxPart]) -> Answer.Outcome {
        guard let first = parts.first else { return .failure(code: "not-found", message: "it is no longer kept") }
        return parts.count == 1 ? of(first) : ofSeveral(parts)
    }

    private static func of(_ part: OutboxPart) -> Answer.Outcome {
        let reason = part.reason ?? ""
        switch part.state {
        case .sent:
            return .success(["status": "sent", "ids": .array(part.ids.map(JSONValue.string)), "message": "sent"])
        case .queued, .sending:
            let message =
                "queued: \(reason.isEmpty ? "it goes out in its turn" : reason). Switchboard keeps it for a day; do not send it again."
            return .success(["status": "queued", "ids": [], "message": .string(message)])
        case .unknown:
            let message = "unknown: it may have been sent or not (\(reason)). It is not sent again by itself."
            return .success(["status": "unknown", "ids": [], "message": .string(message)])
        case .rejected: return .failure(code: "rejected", message: "not sent: \(reason)")
        case .dropped: return .failure(code: "rejected", message: "not sent: a person dropped it")
        }
    }

    private static func ofSeveral(_ parts: [OutboxPart]) -> Answer.Outcome {
        let sent = parts.filter { $0.state == .sent }
        let unknown = parts.filter { $0.state == .unknown }
        let refused = parts.filter { $0.state == .rejected || $0.state == .dropped }
        let open = parts.filter { !$0.isSettled }
        let ids = sent.flatMap(\.ids)
        var sentences: [String] = []
        if !sent.isEmpty, sent.count < parts.count {
            sentences.append("\(numbers(sent)) sent" + (ids.isEmpty ? "" : " (\(ids.joined(separator: ", ")))"))
        }
        if let lost = unknown.first {
            sentences.append(
                "\(numbers(unknown)) may have been sent or not (\(lost.reason ?? "")): nothing of it is sent again by itself"
            )
        }
        if let culprit = refused.first {
            let reason = culprit.state == .dropped ? "a person dropped it" : culprit.reason ?? ""
            sentences.insert("message \(culprit.ordinal) of \(parts.count) was refused: \(reason)", at: 0)
            let rest = refused.dropFirst()
            if !rest.isEmpty { sentences.append("\(numbers(Array(rest))) not sent") }
            return .failure(
                code: "rejected",
                message: (sent.isEmpty ? "not sent: " : "not sent whole: ") + sentences.joined(separator: "; "))
        }
        if let waiting = open.first {
            let why = waiting.reason.map { $0.isEmpty ? "" : " (\($0))" } ?? ""
            sentences.append("\(numbers(open)) waiting\(why): Switchboard keeps it for a day; do not send it again")
        }
        let status = !unknown.isEmpty ? "unknown" : open.isEmpty ? "sent" : "queued"
        let message =
            status == "sent"
            ? "sent as \(parts.count) messages" : "\(status): " + sentences.joined(separator: "; ") + "."
        return .success([
            "status": .string(status), "ids": .array(ids.map(JSONValue.string)), "message": .string(message),
            "parts": .array(parts.map(json)),
        ])
    }

    private static func json(_ part: OutboxPart) -> JSONValue {
        var members: JSONObject = [
            "part": .integer(part.ordinal), "status": .string(part.state == .sending ? "queued" : part.state.word),
        ]
        if !part.ids.isEmpty { members["ids"] = .array(part.ids.map(JSONValue.string)) }
        if let reason = part.reason, !reason.isEmpty { members["reason"] = .string(reason) }
        return .object(members)
    }

    /// `message 4:`, `messages 1 to 3:`, `messages 1, 3:`.
    private static func numbers(_ parts: [OutboxPart]) -> String {
        guard let first = parts.first, let last = parts.last, parts.count > 1 else {
            return "message \(parts.first?.ordinal ?? 0):"
        }
        let isRow = last.ordinal - first.ordinal == Int64(parts.count) - 1
        let list =
            isRow
            ? "\(first.ordinal) to \(last.ordinal)"
            : parts.map { "\($0.ordinal)" }.joined(separator: ", ")
        return "messages \(list):"
    }
}
