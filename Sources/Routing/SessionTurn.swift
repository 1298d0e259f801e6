import BusProtocol
import JSON

/// Whether a session works, as hooks and time tell. A value: what was heard and when goes in, what follows comes out.
///
/// Hooks run side by side and may arrive in another order than they began. They carry the clock of the machine they ran
/// on and are ordered by it among themselves; how long nothing was heard is counted by the router's own clock. A hook
/// that never comes can delay, because silence ends a turn as well.
struct SessionTurn: Hashable {
    enum Change: Hashable {
        case none
        case began
        /// A turn ended; it owns what was seen up to ``ended``. Another one may run already: see ``isWorking``.
        case ended(End)
    }

    /// How a turn ended. The raw value is a reason code of deliveries.
    enum End: String {
        case stop
        /// The model or the network failed.
        case failure
        /// The session said goodbye.
        case session
        /// Claude Code waits for a prompt.
        case idle
        /// A hook was told to end it.
        case stopped
        /// Nothing was heard for long: Esc and `continue:false` end a turn without a word.
        case silence
    }

    /// A hook of this incarnation was heard: from now on its turns are known.
    private(set) var hasHooks = false
    private(set) var isWorking = false
    /// The session said goodbye and nothing after it.
    private(set) var hasLeft = false
    /// When the turn began, when the last sign of life came, and since when no turn runs (uptime).
    private(set) var began: Int64 = 0
    private(set) var heard: Int64 = 0
    private(set) var quiet: Int64 = 0
    /// By the session's own clock: the newest sign of work and the newest end.
    private(set) var worked: Int64 = 0
    private(set) var ended: Int64 = 0
    private var endedPrompt: String?
    /// Tools that run, by the id of their use.
    private(set) var tools: [String: Tool] = [:]
    /// Somebody typed at the terminal in this turn: its closing words may not be for a chat.
    private(set) var wasTyped = false
    /// The one reminder of this turn was given.
    private(set) var wasReminded = false
    /// When a hook was told to end the turn (uptime); nothing was heard since.
    private var stopSent: Int64?

    struct Tool: Hashable {
        var name: String
        /// The first words of what it does, for people.
        var summary: String?
        /// Uptime.
        var since: Int64
    }

    /// Without a hook for so long, and no tool open, a turn has ended. Milliseconds.
    static let silence: Int64 = 60_000
    /// A tool that nothing is heard of for so long is not waited for any more: who refuses it at the terminal ends it
    /// without a word.
    static let toolSilence: Int64 = 30 * 60_000
    /// A turn that a hook was told to end and that is silent for so long has ended: no `Stop` says so.
    static let stopping: Int64 = 3_000
    /// After a goodbye nothing is written for so long, while the connection stands.
    static let leaving: Int64 = 10_000
    /// More open tools than this are not told apart.
    private static let toolLimit = 64

    init() {}

    /// As it was when a router ended: a turn that ran is taken to run on until something or silence says otherwise.
    init(hasHooks: Bool, isWorking: Bool, ended: Int64, now: Int64) {
        self.hasHooks = hasHooks
        self.isWorking = isWorking
        self.ended = ended
        worked = isWorking ? ended + 1 : ended
        began = now
        heard = now
        quiet = now
    }

    mutating func hear(_ hook: HookReport, now: Int64) -> Change {
        hasHooks = true
        heard = now
        stopSent = nil
        switch hook.name {
        case "UserPromptSubmit":
            let change = work(hook, now)
            if isWorking, hook.members[HookMember.events]?.arrayValue?.isEmpty ?? true { wasTyped = true }
            return change
        case "PreToolUse":
            let change = work(hook, now)
            if isWorking { open(hook, now) }
            return change
        case "PostToolUse", "PostToolUseFailure":
            if let use = hook.members[HookMember.toolUse]?.stringValue { tools[use] = nil }
            return work(hook, now)
        case "PermissionRequest": return work(hook, now)
        case "Stop": return end(.stop, hook, now)
        case "StopFailure": return end(.failure, hook, now)
        case "Notification":
            let isIdle = hook.members[HookMember.notification]?.stringValue == "idle_prompt"
            return isIdle ? end(.idle, hook, now) : .none
        case "SessionEnd":
            // `/clear` goes on in the same session.
            guard hook.members[HookMember.reason]?.stringValue != "clear" else { return .none }
            let change = end(.session, hook, now)
            hasLeft = !isWorking
            return change
        case "SessionStart":
            hasLeft = false
            return .none
        // Others are a sign of life; what a turn is they do not say.
        default: return .none
        }
    }

    /// The newest that was heard, by the session's own clock.
    var lastSign: Int64 { max(worked, ended) }

    /// A tool of ours was called: somebody is at work there.
    mutating func hearCall(now: Int64) { heard = now }

    /// Claude was reminded at a `Stop` and works on.
    mutating func remind(_ hook: HookReport, now: Int64) {
        wasReminded = true
        worked = max(worked, hook.at)
        heard = now
    }

    /// Whether this `Stop` is the end of the turn that runs, and not of one before it.
    func isEnded(by hook: HookReport) -> Bool { isWorking && hook.at >= worked }

    /// The process is gone.
    mutating func leave(now: Int64) {
        ended = lastSign
        finish(now)
    }

    /// A `PreToolUse` is told to end the turn.
    mutating func noteStopSent(now: Int64) { if isWorking { stopSent = now } }

    /// What time alone does.
    mutating func pass(now: Int64) -> Change {
        if hasLeft, now >= heard + Self.leaving { hasLeft = false }
        if isWorking, let stopSent, now >= stopSent + Self.stopping {
            ended = max(ended, worked)
            finish(now)
            return .ended(.stopped)
        }
        guard isWorking, now >= heard + patience else { return .none }
        // What comes late of this turn is older than its end.
        ended = max(ended, worked)
        finish(now)
        return .ended(.silence)
    }

    /// When ``pass(now:)`` has something to do, as uptime.
    var deadline: Int64? {
        if isWorking { return min(heard + patience, stopSent.map { $0 + Self.stopping } ?? .max) }
        return hasLeft ? heard + Self.leaving : nil
    }

    private var patience: Int64 { tools.isEmpty ? Self.silence : Self.toolSilence }

    /// A sign of work. What began before the newest end belongs to the turn that ended; in the same millisecond a new
    /// prompt begins and anything else belongs to what ended.
    private mutating func work(_ hook: HookReport, _ now: Int64) -> Change {
        let isPrompt = hook.name == "UserPromptSubmit" && (hook.prompt == nil || hook.prompt != endedPrompt)
        guard hook.at > ended || (hook.at == ended && isPrompt) else { return .none }
        worked = max(worked, max(hook.at, ended + 1))
        hasLeft = false
        guard !isWorking else { return .none }
        isWorking = true
        began = now
        tools = [:]
        wasTyped = false
        wasReminded = false
        return .began
    }

    private mutating func end(_ end: End, _ hook: HookReport, _ now: Int64) -> Change {
        // The same end again, or one that came after a later one.
        guard hook.at > ended || (isWorking && hook.at == ended) else { return .none }
        // In the same millisecond as the last end: the turn that this ends began in it.
        let at = hook.at == ended ? worked : hook.at
        ended = at
        endedPrompt = hook.prompt
        // Something younger shows that the next turn runs already; or this is the end of it.
        if at >= worked { finish(now) }
        return .ended(end)
    }

    private mutating func finish(_ now: Int64) {
        isWorking = false
        quiet = now
        tools = [:]
        stopSent = nil
    }

    private mutating func open(_ hook: HookReport, _ now: Int64) {
        guard let use = hook.members[HookMember.toolUse]?.stringValue, tools.count < Self.toolLimit else { return }
        tools[use] = Tool(
            name: hook.members[HookMember.tool]?.stringValue ?? "a tool", summary: Self.summary(of: hook), since: now)
    }

    /// The command's first two words, such as `swift test`: the rest may hold what is nobody's business.
    private static func summary(of hook: HookReport) -> String? {
        guard let command = hook.members[HookMember.toolInput]?["command"]?.stringValue else { return nil }
        let words = command.split(separator: " ", maxSplits: 2).prefix(2)
        let plain = words.prefix { $0.utf8.count <= 24 && $0.unicodeScalars.allSatisfy(isPlain) }
        return plain.isEmpty ? nil : plain.joined(separator: " ")
    }

    private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", "-", "_", ".", "/": return true
        default: return false
        }
    }
}
