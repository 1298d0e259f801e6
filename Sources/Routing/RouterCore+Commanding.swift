import BusProtocol
import JSON
import MessageBus
import MessageStore

/// Chat commands: `/status`, `/use api` and their like, answered by the router itself.
extension RouterCore {
    /// Whether an event is a chat command: it was answered then and reaches no session.
    mutating func takesAsCommand(_ arrival: Arrival, _ now: Moment) -> Bool { false }

    /// A hook of a session, for its turn machine. Gives what Claude Code is told, where that is something.
    mutating func turnHeard(_ hook: HookReport, in id: SessionID, _ now: Moment) -> JSONValue? { nil }
}
