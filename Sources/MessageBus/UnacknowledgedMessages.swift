import BusProtocol
import ChannelEvents

/// A peer's numbered messages from the time they are given until the router acknowledges them. Pure.
struct UnacknowledgedMessages: Sendable {
    private struct Entry {
        let message: PeerMessage.Numbered
        let size: MessageSize
    }

    private var entries: [Entry] = []
    /// Entries before it are acknowledged; they are removed together, so that each costs nothing.
    private var head = 0
    /// The next entry to send on this link.
    private var cursor = 0
    /// The sequence of the entry at `head`: what HELLO calls `next`.
    private(set) var first: UInt64 = 1
    /// All that is unacknowledged, and the part of it that was sent on this link.
    private(set) var total = MessageSize()
    private var inFlight = MessageSize()

    var count: Int { entries.count - head }

    /// Something was sent on this link and is not acknowledged.
    var isWaiting: Bool { cursor > head }

    /// Takes a message in and gives its sequence.
    mutating func append(_ message: PeerMessage.Numbered, size: MessageSize) -> UInt64 {
        entries.append(Entry(message: message, size: size))
        total += size
        return first + UInt64(count - 1)
    }

    /// The next message to send on this link, within what the router grants; counts it as sent.
    ///
    /// Only PUBLISH waits for credit, and what was given after it waits with it, because the stream has an order. A
    /// PUBLISH larger than the whole credit goes alone.
    mutating func next(within credit: Credit) -> (sequence: UInt64, message: PeerMessage.Numbered)? {
        guard cursor < entries.count else { return nil }
        let entry = entries[cursor]
        if case .publish = entry.message {
            guard credit.events > 0, credit.bytes > 0 else { return nil }
            let isFirst = cursor == head
            guard isFirst || (inFlight + entry.size).fits(credit) else { return nil }
        }
        inFlight += entry.size
        defer { cursor += 1 }
        return (first + UInt64(cursor - head), entry.message)
    }

    /// A new link: everything is to be sent again.
    mutating func rewind() {
        cursor = head
        inFlight = MessageSize()
    }

    /// Drops what the router has; `false` when it acknowledges what was never sent to it.
    mutating func acknowledge(through sequence: UInt64) -> Bool {
        guard sequence >= first else { return true }
        guard sequence - first < UInt64(cursor - head) else { return false }
        let end = head + Int(sequence - first) + 1
        for entry in entries[head..<end] {
            total -= entry.size
            inFlight -= entry.size
        }
        head = end
        first = sequence + 1
        if head == entries.count || head >= 1024 {
            entries.removeFirst(head)
            cursor -= head
            head = 0
        }
        return true
    }

    /// What is left of a grant.
    func left(of credit: Credit) -> Credit {
        Credit(events: max(0, credit.events - total.events), bytes: max(0, credit.bytes - total.bytes))
    }
}

/// What a message takes of credit and memory.
struct MessageSize: Hashable, Sendable {
    var events: Int64 = 0
    var bytes: Int64 = 0

    static func + (left: MessageSize, right: MessageSize) -> MessageSize {
        MessageSize(events: left.events + right.events, bytes: left.bytes + right.bytes)
    }

    static func += (left: inout MessageSize, right: MessageSize) { left = left + right }

    static func -= (left: inout MessageSize, right: MessageSize) {
        left = MessageSize(events: left.events - right.events, bytes: left.bytes - right.bytes)
    }

    func fits(_ credit: Credit) -> Bool { events <= credit.events && bytes <= credit.bytes }
}

extension PeerMessage.Numbered {
    /// Measures a message and holds it to what the router takes: a message that it must refuse would be sent again on
    /// every link and block all behind it.
    func checkedSize() throws(BusError) -> MessageSize {
        switch self {
        case .publish(let publish):
            guard publish.events.count <= BusLimits.batch else {
                throw BusError(.oversize, "a PUBLISH has at most \(BusLimits.batch) events; send several")
            }
            var header = 128 + (publish.cursor?.count ?? 0)
            var bytes = 0
            for event in publish.events {
                guard event.body.count <= BusLimits.payloadBytes else {
                    throw BusError(.oversize, "an event's body has at most \(BusLimits.payloadBytes) bytes; shorten it")
                }
                bytes += event.body.count
                header += 160 + (event.head?.fieldBytes ?? 0)
            }
            // A byte of a field grows to six at most when it is escaped; only what may be too much is counted exactly.
            if header * 6 > BusLimits.headerBytes || bytes + header * 6 > BusLimits.messageBytes {
                let frames = frames(at: Position(epoch: .max, sequence: .max))
                header = frames.header.count
                guard header <= BusLimits.headerBytes, frames.size <= BusLimits.messageBytes else {
                    throw BusError(.oversize, "a PUBLISH has at most \(BusLimits.messageBytes) bytes; send several")
                }
            }
            return MessageSize(events: Int64(eventCount), bytes: Int64(bytes + header))
        case .receipt, .result, .ask, .hook:
            let frames = frames(at: Position(epoch: .max, sequence: .max))
            guard frames.header.count <= BusLimits.headerBytes, frames.size <= BusLimits.messageBytes,
                frames.payloads.allSatisfy({ $0.count <= BusLimits.payloadBytes })
            else {
                throw BusError(
                    .oversize, "\(frames.command.rawValue) is over \(BusLimits.headerBytes) bytes; shorten it")
            }
            return MessageSize(events: Int64(eventCount), bytes: Int64(frames.size))
        }
    }
}

extension EventHead {
    /// Bytes of all that a sender or a platform has a say in.
    fileprivate var fieldBytes: Int {
        id.utf8.count + chat.utf8.count + (thread?.utf8.count ?? 0) + sender.utf8.count + kind.rawValue.utf8.count
            + authentication.rawValue.utf8.count + (group?.utf8.count ?? 0) + (replyTo?.utf8.count ?? 0)
            + (action?.utf8.count ?? 0) + roles.reduce(0) { $0 + $1.utf8.count + 3 }
    }
}
