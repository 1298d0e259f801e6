public import BusProtocol

/// What the router knows of every link: epoch, sequences both ways, when it was heard. Pure: no socket, no clock.
///
/// `now` is in milliseconds of one monotonic clock.
public struct LinkTable: Sendable {
    private struct Link {
        var epoch: UInt64
        /// The sequence that the peer's next numbered message has.
        var expected: UInt64
        /// The sequence of our last numbered message, and the one up to which the peer took them.
        var lastSent: UInt64 = 0
        var lastAcknowledged: UInt64 = 0
        var heardAt: Int64
        var sentAt: Int64
    }

    private var links: [LinkID: Link] = [:]

    public init() {}

    public var count: Int { links.count }

    /// A link was welcomed; numbered messages are expected from `next` on. Replaces what the link was before.
    public mutating func open(_ link: LinkID, epoch: UInt64, next: UInt64, now: Int64) {
        links[link] = Link(epoch: epoch, expected: next, heardAt: now, sentAt: now)
    }

    public mutating func close(_ link: LinkID) {
        links[link] = nil
    }

    public enum Acceptance: Hashable, Sendable {
        case take
        /// Taken before: acknowledge again, do nothing.
        case duplicate
        case reset(Reset)
    }

    /// Whether a numbered message is the next one; takes it if so.
    public mutating func accept(_ position: Position, from link: LinkID, now: Int64) -> Acceptance {
        if let reset = hear(position.epoch, from: link, now: now) { return .reset(reset) }
        guard let index = links.index(forKey: link) else { return .reset(Reset(reason: .stranger)) }
        let expected = links.values[index].expected
        if position.sequence < expected { return .duplicate }
        guard position.sequence == expected else { return .reset(Reset(reason: .gap, expected: expected)) }
        links.values[index].expected += 1
        return .take
    }

    /// Checks the epoch of a message that has no number, and notes that the link was heard.
    public mutating func hear(_ epoch: UInt64, from link: LinkID, now: Int64) -> Reset? {
        guard let index = links.index(forKey: link) else { return Reset(reason: .stranger) }
        guard links.values[index].epoch == epoch else {
            return Reset(reason: .epoch, expected: links.values[index].expected)
        }
        links.values[index].heardAt = now
        return nil
    }

    /// The place for the next numbered message to a link; `nil` when it is closed.
    public mutating func nextPosition(to link: LinkID) -> Position? {
        guard let index = links.index(forKey: link) else { return nil }
        links.values[index].lastSent += 1
        return Position(epoch: links.values[index].epoch, sequence: links.values[index].lastSent)
    }

    /// The position up to which the router took a link's messages: what ACK says.
    public func accepted(from link: LinkID) -> Position? {
        links[link].map { Position(epoch: $0.epoch, sequence: $0.expected - 1) }
    }

    /// The peer acknowledged our numbered messages up to here. One that was never sent counts as nothing.
    public mutating func acknowledged(_ position: Position, by link: LinkID) {
        guard let index = links.index(forKey: link), links.values[index].epoch == position.epoch,
            position.sequence <= links.values[index].lastSent
        else { return }
        links.values[index].lastAcknowledged = max(links.values[index].lastAcknowledged, position.sequence)
    }

    /// Our numbered messages that the peer has not acknowledged.
    public func unacknowledged(by link: LinkID) -> UInt64 {
        links[link].map { $0.lastSent - $0.lastAcknowledged } ?? 0
    }

    /// Something was sent to a link, so it needs no heartbeat for a while.
    public mutating func sent(to link: LinkID, now: Int64) {
        links[link]?.sentAt = now
    }

    /// Links not heard for ``BusLimits/silence``.
    public func silent(now: Int64) -> [LinkID] {
        links.filter { now - $0.value.heardAt >= BusLimits.silence }.map(\.key)
    }

    /// Links to which nothing was sent for ``BusLimits/heartbeat``; marks them as sent to.
    public mutating func heartbeatsDue(now: Int64) -> [(LinkID, epoch: UInt64)] {
        var due: [(LinkID, epoch: UInt64)] = []
        for index in links.indices where now - links.values[index].sentAt >= BusLimits.heartbeat {
            links.values[index].sentAt = now
            due.append((links.keys[index], links.values[index].epoch))
        }
        return due
    }
}
