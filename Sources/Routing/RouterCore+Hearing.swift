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
        let reaction = hear(hook, in: id, now)
        if hook.wantsAnswer { answer(hook.id, .success(reaction ?? [:]), to: link) }
    }

    /// The same from `switchboard hook`, a process of its own. It is bound to the endpoint that the same Claude Code
    /// started; a hook of a session that is not attached changes nothing.
    mutating func hearCommand(_ query: Call, from link: LinkID, _ now: Moment) {
        let parent = query.arguments["parent"]?.integerValue ?? 0
        guard parent > 0, let id = attached.first(where: { sessions[$0]?.parent == parent }) else {
            return answer(query.id, .success([:]), to: link)
        }
        do throws(ProtocolError) {
            let hook = try HookReport(json: query.arguments["report"] ?? [:])
            answer(query.id, .success(hear(hook, in: id, now) ?? [:]), to: link)
        } catch {
            fail(query.id, error.code, error.message, link)
        }
    }

    private mutating func hear(_ hook: HookReport, in id: SessionID, _ now: Moment) -> JSONValue? {
        // `claude mcp list` and the like run no hook.
        prove(id)
        counters.add("hooks")
        if isTapWatched {
            tap("hook", ["session": .string(sessions[id]?.record.label ?? ""), "name": .string(hook.name)])
        }
        let reaction = turnHeard(hook, in: id, now)
        relayHeard(hook, in: id, now)
        return reaction
    }
}
