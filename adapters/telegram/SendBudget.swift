/// What the platform lets a bot send: 30 messages a second in all, 20 a minute to one group, and pauses it imposes.
/// Pure; times are seconds of any clock that only rises.
struct SendBudget {
    static let overall = 30
    static let perGroup = 20
    /// So many chats in a pause hold back all others.
    static let pausesOfAll = 3

    private var recent: [Double] = []
    private var groups: [String: [Double]] = [:]
    private var pauses: [String: Double] = [:]

    /// Takes a place, or says how many seconds to wait for one.
    mutating func take(_ chat: String, now: Double) -> Double? {
        pauses = pauses.filter { $0.value > now }
        recent.removeAll { $0 <= now - 1 }
        groups = groups.compactMapValues { times in
            let kept = times.filter { $0 > now - 60 }
            return kept.isEmpty ? nil : kept
        }
        if let until = pauses[chat] { return until - now }
        // Several chats in a pause at once: it is the bot that is too fast, not the chat.
        if pauses.count >= Self.pausesOfAll, let first = pauses.values.min() { return first - now }
        if recent.count >= Self.overall, let oldest = recent.first { return oldest + 1 - now }
        // Ids of groups are negative.
        if chat.hasPrefix("-") {
            let times = groups[chat] ?? []
            if times.count >= Self.perGroup, let oldest = times.first { return oldest + 60 - now }
            groups[chat] = times + [now]
        }
        recent.append(now)
        return nil
    }

    mutating func pause(_ chat: String, seconds: Double, now: Double) {
        pauses[chat] = max(pauses[chat] ?? 0, now + seconds)
    }
}
