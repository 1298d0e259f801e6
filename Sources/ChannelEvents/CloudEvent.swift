public import JSON

extension EventHead {
    /// The event as a CloudEvents 1.0 structured envelope; `source` and `id` together are unique.
    ///
    /// - Parameter body: `nil` leaves the text out, as every log and audit must.
    public func cloudEvent(source: SourceName, body: EventBody? = nil) -> JSONValue {
        let conversation = Conversation(source: source, chat: chat, thread: thread)
        var data: JSONObject = ["conversation": .string(conversation.description), "sender": .string(sender)]
        if let group { data["group"] = .string(group) }
        if let fingerprint { data["fingerprint"] = .string(fingerprint) }
        if let state { data["state"] = .string(state.rawValue) }
        if let replyTo { data["reply_to"] = .string(replyTo) }
        if let body {
            data["text"] = .string(body.text)
            if let user = body.user { data["user"] = .string(user) }
            if let title = body.chatTitle { data["chat_title"] = .string(title) }
            if !body.attachments.isEmpty {
                data["attachments"] = .array(
                    body.attachments.map { ["id": .string($0.id), "name": .string($0.name ?? "")] })
            }
        }
        return [
            "specversion": "1.0", "id": .string(id), "source": .string("/switchboard/\(source.text)"),
            "type": .string("switchboard.\(kind.rawValue)"), "subject": .string(conversation.description),
            "time": .string(Timestamp.text(milliseconds: time)), "datacontenttype": "application/json",
            "data": .object(data),
        ]
    }
}

/// RFC 3339 in UTC without a date library: the processes that start in milliseconds link none.
public enum Timestamp {
    /// `2026-11-23T14:04:24.123Z`.
    public static func text(milliseconds: Int64) -> String {
        let (day, inDay) = milliseconds.flooredQuotientAndRemainder(by: 86_400_000)
        let (year, month, dayOfMonth) = civil(day: day)
        let seconds = inDay / 1000
        return "\(pad(year, 4))-\(pad(month, 2))-\(pad(dayOfMonth, 2))T\(pad(seconds / 3600, 2)):"
            + "\(pad(seconds / 60 % 60, 2)):\(pad(seconds % 60, 2)).\(pad(inDay % 1000, 3))Z"
    }

    /// Days since 1970-01-01 to a date of the proleptic Gregorian calendar, by counting 400-year eras from March.
    private static func civil(day: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let (era, dayOfEra) = (day + 719_468).flooredQuotientAndRemainder(by: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shifted + 2) / 5 + 1)
    }

    private static func pad(_ value: Int64, _ width: Int) -> String {
        let text = String(value)
        return String(repeating: "0", count: max(0, width - text.count)) + text
    }
}

extension Int64 {
    fileprivate func flooredQuotientAndRemainder(by divisor: Int64) -> (Int64, Int64) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}
