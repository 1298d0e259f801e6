public import BusProtocol
public import JSON

/// A hook as Claude Code writes it to a command's standard input: the way for the hooks that it cannot make as calls of
/// a tool, the start-up `SessionStart` and the last `SessionEnd` among them.
public struct HookInput {
    private let call: HookCall

    /// `nil` when the JSON names no hook.
    public init?(_ json: JSONValue) {
        guard let members = json.objectValue, let call = HookCall(members) else { return nil }
        self.call = call
    }

    /// What Claude Code is told whatever the router says; `nil` where nothing is decided here.
    /// - Parameter inboxFolder: where received files lie.
    public func decision(inboxFolder: String?) -> JSONValue? {
        HookDecision.decide(call, inboxFolder: inboxFolder, isAwayFromTerminal: false)
    }

    /// - Parameter now: milliseconds since 1970.
    public func report(id: String, now: Int64) -> HookReport {
        call.report(id: id, now: now, wantsAnswer: HookDecision.asksRouter(call.name))
    }
}
