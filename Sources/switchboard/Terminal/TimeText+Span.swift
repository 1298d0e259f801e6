extension TimeText {
    /// Milliseconds of `90s`, `30m`, `2h`; `nil` when it is none of these.
    static func span(_ text: String) -> Int64? {
        guard let unit = text.last, let number = Int64(text.dropLast()), (1...1_000_000).contains(number),
            text.first?.isNumber == true
        else { return nil }
        switch unit {
        case "s": return number * 1_000
        case "m": return number * 60_000
        case "h": return number * 3_600_000
        default: return nil
        }
    }

    /// How long until then, in its largest unit.
    static func left(until milliseconds: Int64?, now: Int64 = now()) -> String {
        guard let milliseconds else { return "-" }
        return milliseconds <= now ? "over" : age(since: now - (milliseconds - now), now: now)
    }
}
