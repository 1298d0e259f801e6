import ModelContextProtocol

/// The hooks that wait for the router's word, and what this side knows of the turn.
struct HookLedger {
    /// So long Claude Code waits for the router at most, in milliseconds; then it goes on as if there were no hook.
    static let patience: Int64 = 300
    /// Hooks that wait at once; past it a hook does not wait.
    static let limit = 64

    private struct Waiting {
        var report: String
        var request: RequestID
        var until: Int64
    }

    private var waiting: [Waiting] = []
    private var made: UInt64 = 0
    private var lastTime: Int64 = 0
    /// Who has a word in the turn that runs, as far as its prompts tell.
    private var prompts = (typed: false, channel: false)
    /// The turn came from the channel alone: whoever asked is not at the terminal.
    var isAwayFromTerminal: Bool { prompts.channel && !prompts.typed }

    mutating func id(instance: String) -> String {
        made += 1
        return "\(instance)-hook-\(made)"
    }

    /// When a hook began that does not say so itself: no two at the same time, because the router orders them by it.
    mutating func time(now: Int64) -> Int64 {
        // A clock that was set back must not order this session's next hooks before its last ones for long.
        lastTime = now <= lastTime && lastTime - now < 60_000 ? lastTime + 1 : now
        return lastTime
    }

    var mayWait: Bool { waiting.count < Self.limit }

    mutating func wait(_ request: RequestID, for report: String, now: Int64) {
        waiting.append(Waiting(report: report, request: request, until: now + Self.patience))
    }

    /// The request that waits for this report's answer; it no longer does.
    mutating func take(_ report: String) -> RequestID? {
        guard let index = waiting.firstIndex(where: { $0.report == report }) else { return nil }
        return waiting.remove(at: index).request
    }

    mutating func forget(_ request: RequestID) { waiting.removeAll { $0.request == request } }

    /// The requests that waited long enough.
    mutating func takeExpired(now: Int64) -> [RequestID] {
        let expired = waiting.filter { $0.until <= now }
        if !expired.isEmpty { waiting.removeAll { $0.until <= now } }
        return expired.map(\.request)
    }

    mutating func takeAll() -> [RequestID] {
        defer { waiting = [] }
        return waiting.map(\.request)
    }

    var nextDue: Int64? { waiting.first?.until }

    mutating func note(_ call: HookCall) {
        switch call.name {
        case "UserPromptSubmit":
            if call.events?.isEmpty == false { prompts.channel = true } else { prompts.typed = true }
        case "Stop", "StopFailure", "SessionStart", "SessionEnd": prompts = (false, false)
        default: break
        }
    }
}
