import BusProtocol
import JSON
import Logging
import MessageBus
import ModelContextProtocol

/// What Claude Code's hooks tell, on its way to the router. A hook never blocks Claude Code: without a router it is
/// answered at once, with one it waits a moment, and only where the router's word can change something.
extension SessionCore {
    /// A call of the tool `hook`.
    mutating func hear(_ call: ToolCall, _ now: Now) {
        guard let hook = HookCall(call.arguments, original: { deliveries.original[$0] ?? $0 }) else {
            return tell(call.id, .failure("hook_event_name is missing: this tool is for Claude Code's hooks"))
        }
        hooks.note(hook)
        let decision = HookDecision.decide(
            hook, inboxFolder: identity.inboxFolder, isAwayFromTerminal: hooks.isAwayFromTerminal)
        let isUp = link == .up
        guard isUp || Self.isKept(hook.name), mayReachRouter else { return tell(call.id, decision ?? [:]) }
        let wantsAnswer = isUp && decision == nil && HookDecision.asksRouter(hook.name) && hooks.mayWait
        let report = hook.report(
            id: hooks.id(instance: identity.instance), now: hooks.time(now: now.wall), wantsAnswer: wantsAnswer)
        if wantsAnswer { hooks.wait(call.id, for: report.id, now: now.monotonic) }
        emit(.hook(report))
        if !wantsAnswer { tell(call.id, decision ?? [:]) }
    }

    /// What is worth keeping for a router that is away: proofs that something was seen, the ends of turns, and what a
    /// prompt is about, which is kept as well. What tools did meanwhile is of no use later.
    private static func isKept(_ name: String) -> Bool {
        switch name {
        case "UserPromptSubmit", "Stop", "StopFailure", "SessionStart", "SessionEnd", "PermissionRequest": return true
        default: return false
        }
    }

    private var mayReachRouter: Bool {
        switch link {
        case .opening, .up, .lost: return true
        case .unopened, .refused, .unusable: return false
        }
    }

    // MARK: What comes back

    /// - Returns: whether the answer was to a hook.
    mutating func answerHook(_ report: String, _ outcome: Answer.Outcome) -> Bool {
        guard let request = hooks.take(report) else { return false }
        if case .success(let value) = outcome, value.objectValue != nil {
            tell(request, value)
        } else {
            tell(request, [:])
        }
        return true
    }

    /// The bus did not take a report: Claude Code goes on as if there were no hook.
    mutating func hookRefused(_ report: String, _ error: BusError) {
        log(.warning, "hook not reported", ["hook": "\(report)", "code": "\(error.code.rawValue)"])
        if let request = hooks.take(report) { tell(request, [:]) }
    }

    mutating func tickHooks(_ now: Now) {
        for request in hooks.takeExpired(now: now.monotonic) { tell(request, [:]) }
    }

    mutating func letHooksGo() {
        for request in hooks.takeAll() { tell(request, [:]) }
    }

    /// The answer's one text is the JSON that Claude Code reads; an empty text would add a line to Claude's context.
    private mutating func tell(_ request: RequestID, _ answer: JSONValue) {
        tell(request, ToolResult([answer.text]))
    }

    private mutating func tell(_ request: RequestID, _ result: ToolResult) {
        if let line = server.finish(request, result) { emit(lines: line) }
    }
}
