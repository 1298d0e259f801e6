public import BusProtocol

/// What the router knows of every link: epoch, sequences both ways, when it was heard. Pure: no socket, no clock.
public struct LinkTable: Sendable {
    public init() {}

    /// A link was welcomed; numbered messages are expected from `next` on. Replaces what the link was before.
    public mutating func open(_ link: LinkID, epoch: UInt64, next: UInt64, now: Int64) {}

    public mutating func close(_ link: LinkID) {}

    public enum Acceptance: Hashable, Sendable {
        case take
        /// Taken before: acknowledge again, do nothing.
        case duplicate
        case reset(Reset)
    }

    /// Whether a numbered message is the next one; takes it if so.
    public mutating func accept(_ position: Position, from link: LinkID, now: Int64) -> Acceptance { .reset(Reset(reason: .stranger)) }

    /// Checks the epoch of a message that has no number, and notes that the link was heard.
    public mutating func hear(_ epoch: UInt64, from link: LinkID, now: Int64) -> Reset? { nil }

    /// The place for the next numbered message to a link; `nil` when it is closed.
    public mutating func nextPosition(to link: LinkID) -> Position? { nil }

    /// The position up to which the router took a link's messages: what ACK says.
    public func accepted(from link: LinkID) -> Position? { nil }

    /// The peer acknowledged our numbered messages up to here.
    public mutating func acknowledged(_ position: Position, by link: LinkID) {}

    /// Links not heard for ``BusLimits/silence``.
    public func silent(now: Int64) -> [LinkID] { [] }

    /// Links to which nothing was sent for ``BusLimits/heartbeat``; marks them as sent to.
    public mutating func heartbeatsDue(now: Int64) -> [(LinkID, epoch: UInt64)] { [] }
}
