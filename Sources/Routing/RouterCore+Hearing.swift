import BusProtocol
import JSON
import MessageBus
import MessageStore

/// HOOK: what Claude Code's hooks say about a session. The turn machine and the permission relay each take what concerns
/// them; what Claude Code is told comes from here.
extension RouterCore {
    mutating func receive(_ hook: HookReport, from link: LinkID, _ now: Moment) {
        guard case .endpoint(let id) = peers[link]?.kind else {
            return refuse(ProtocolError(.role, "HOOK is an endpoint's to say"), command: "HOOK", from: link)
        }
        // `claude mcp list` and the like run no hook.
        prove(id)
        counters.add("hooks")
        if isTapWatched {
            tap("hook", ["session": .string(sessions[id]?.record.label ?? ""), "name": .string(hook.name)])
        }
        var reaction = turnHeard(hook, in: id, now)
        relayHeard(hook, in: id, now)
        guard hook.wantsAnswer else { return }
        if reaction == nil { reaction = [:] }
        answer(hook.id, .success(reaction ?? [:]), to: link)
    }
}
