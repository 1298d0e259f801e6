import BusProtocol
import ChannelEvents

/// The queue `publish`: what waits for credit and what waits for its acknowledgement. Pure: no socket, clock or lock.
///
/// Publishes that wait are joined into one PUBLISH, in order; a large one is cut. At its limits it refuses with
/// `overloaded`, so that the adapter stops reading its platform.
struct PublishQueue {
    struct Limits {
        var publishes = 1024
        var bytes = 16 << 20
        /// Batches sent and not acknowledged. What comes while so many are under way is joined, which costs nothing:
        /// the router is busy with them.
        var batchesUnderWay = 16
        var batchEvents = BusLimits.batch
        var batchBytes = 1 << 20
    }

    /// One `publish`, by a number that rises.
    typealias Ticket = UInt64

    private struct Entry {
        var ticket: Ticket
        var events: ArraySlice<(index: Int, size: Int, event: PublishedEvent)>
        var cursor: [UInt8]?
    }

    fileprivate struct Piece {
        var ticket: Ticket
        /// The places, in the author's array, of the events of this piece.
        var indices: [Int]
        var isLast: Bool
        /// The publish's cursor, when this is its last piece.
        var cursor: [UInt8]?
    }

    private struct Batch {
        var sequence: UInt64
        var pieces: [Piece]
        var cursor: [UInt8]?
    }

    private let limits: Limits
    private var waiting: [Entry] = []
    private var waitingBytes = 0
    private var underWay: [Batch] = []
    private var refused: [Ticket: [Publication.Refusal]] = [:]
    private var lastTicket: Ticket = 0
    /// The newest cursor that was acknowledged since ``welcomed()``.
    private(set) var committedCursor: [UInt8]?

    init(limits: Limits = Limits()) { self.limits = limits }

    var waitingCount: Int { waiting.count }
    var underWayCount: Int { underWay.count }
    /// Events sent and not acknowledged.
    var eventsUnderWay: Int { underWay.reduce(0) { $0 + $1.pieces.reduce(0) { $0 + $1.indices.count } } }

    /// WELCOME said where the adapter stands.
    mutating func welcomed() { committedCursor = nil }

    /// The number of a publish to come.
    mutating func makeTicket() -> Ticket {
        lastTicket += 1
        return lastTicket
    }

    /// Takes one `publish` in.
    /// - Returns: what became of it, when there is nothing to send.
    mutating func add(
        _ events: [PublishedEvent], cursor: [UInt8]?, as ticket: Ticket
    ) throws(PublishError) -> Publication? {
        guard waiting.count < limits.publishes, waitingBytes < limits.bytes else { throw PublishError(.overloaded) }
        var refusals: [Publication.Refusal] = []
        var taken: [(index: Int, size: Int, event: PublishedEvent)] = []
        taken.reserveCapacity(events.count)
        var bytes = 0
        for (index, event) in events.enumerated() {
            // Past this the router could not name the event: it would refuse the message as a whole.
            guard event.body.count <= BusLimits.payloadBytes else {
                refusals.append(Publication.Refusal(index: index, code: ProtocolError.Code.oversize.rawValue))
                continue
            }
            let size = event.body.count + (event.head?.weight ?? 8)
            taken.append((index, size, event))
            bytes += size
        }
        guard !taken.isEmpty || cursor != nil else { return Publication(refused: refusals) }
        if !refusals.isEmpty { refused[ticket] = refusals }
        waiting.append(Entry(ticket: ticket, events: taken[...], cursor: cursor))
        waitingBytes += bytes
        return nil
    }

    /// The next PUBLISH that credit allows; the caller sends it and then says ``sent(_:as:)``, ``putBack(_:)`` or
    /// ``dropped(_:)``.
    /// - Parameter limit: events it may hold at most.
    mutating func next(_ credit: Credit, limit: Int = BusLimits.batch) -> Outgoing? {
        guard !waiting.isEmpty, underWay.count < limits.batchesUnderWay, credit.events > 0, credit.bytes > 0 else {
            return nil
        }
        var outgoing = Outgoing()
        let most = min(limits.batchEvents, limit, Int(clamping: credit.events))
        // One event must pass whatever its size, or it would wait for ever.
        let mostBytes = min(limits.batchBytes, Int(clamping: credit.bytes))
        var used = 0
        while used < waiting.count {
            let entry = waiting[used]
            var indices: [Int] = []
            var events = entry.events
            while let first = events.first, outgoing.publish.events.count < most,
                outgoing.bytes + first.size <= mostBytes || outgoing.publish.events.isEmpty
            {
                outgoing.publish.events.append(first.event)
                outgoing.bytes += first.size
                indices.append(first.index)
                events = events.dropFirst()
            }
            let isLast = events.isEmpty
            if isLast || !indices.isEmpty {
                let cursor = isLast ? entry.cursor : nil
                outgoing.pieces.append(Piece(ticket: entry.ticket, indices: indices, isLast: isLast, cursor: cursor))
            }
            guard isLast else {
                waiting[used].events = events
                break
            }
            // The last cursor of a batch covers the ones before it.
            if let cursor = entry.cursor { outgoing.publish.cursor = cursor }
            used += 1
        }
        waiting.removeFirst(used)
        guard !outgoing.pieces.isEmpty else { return nil }
        waitingBytes -= outgoing.bytes
        return outgoing
    }

    struct Outgoing {
        var publish = Publish(events: [])
        fileprivate var pieces: [Piece] = []
        fileprivate(set) var bytes = 0
    }

    mutating func sent(_ outgoing: Outgoing, as sequence: UInt64) {
        underWay.append(Batch(sequence: sequence, pieces: outgoing.pieces, cursor: outgoing.publish.cursor))
    }

    /// The bus would not take it: its events go back to the front, in their order.
    mutating func putBack(_ outgoing: Outgoing) {
        var events = outgoing.publish.events[...]
        var entries: [Entry] = []
        for piece in outgoing.pieces {
            let own = piece.indices.map { index in
                let event = events.removeFirst()
                return (index: index, size: event.body.count + (event.head?.weight ?? 8), event: event)
            }
            if !piece.isLast, let first = waiting.first, first.ticket == piece.ticket {
                waiting[0].events = (own + first.events)[...]
            } else {
                entries.append(Entry(ticket: piece.ticket, events: own[...], cursor: piece.cursor))
            }
        }
        waiting.insert(contentsOf: entries, at: 0)
        waitingBytes += outgoing.bytes
    }

    /// The bus will never take its one event: the author learns it, and its cursor goes on with the next publish.
    mutating func dropped(_ outgoing: Outgoing) -> [(Ticket, Publication)] {
        outgoing.pieces.compactMap { piece in
            let refusals = piece.indices.map {
                Publication.Refusal(index: $0, code: ProtocolError.Code.oversize.rawValue)
            }
            refused[piece.ticket, default: []] += refusals
            return piece.isLast
                ? (piece.ticket, Publication(refused: refused.removeValue(forKey: piece.ticket) ?? [])) : nil
        }
    }

    /// The router has committed all up to `sequence`; gives the publishes that are complete.
    mutating func acknowledged(_ sequence: UInt64, refused named: [RefusedEvent]) -> [(Ticket, Publication)] {
        var complete: [(Ticket, Publication)] = []
        while let batch = underWay.first, batch.sequence <= sequence {
            underWay.removeFirst()
            if let cursor = batch.cursor { committedCursor = cursor }
            for refusal in named where refusal.sequence == batch.sequence { note(refusal, in: batch) }
            for piece in batch.pieces where piece.isLast {
                let refusals = (refused.removeValue(forKey: piece.ticket) ?? []).sorted { $0.index < $1.index }
                complete.append((piece.ticket, Publication(refused: refusals)))
            }
        }
        return complete
    }

    private mutating func note(_ refusal: RefusedEvent, in batch: Batch) {
        var index = refusal.index
        for piece in batch.pieces {
            if index < piece.indices.count {
                guard index >= 0 else { return }
                refused[piece.ticket, default: []].append(
                    Publication.Refusal(index: piece.indices[index], code: refusal.code))
                return
            }
            index -= piece.indices.count
        }
    }

    enum Withdrawal { case removed, underWay }

    /// The author no longer waits. What was sent stays sent; the rest of a publish that was cut goes on too, since
    /// its cursor stands for all of it.
    mutating func withdraw(_ ticket: Ticket) -> Withdrawal {
        guard let index = waiting.firstIndex(where: { $0.ticket == ticket }),
            !underWay.contains(where: { $0.pieces.contains { $0.ticket == ticket } })
        else { return .underWay }
        waitingBytes -= waiting[index].events.reduce(0) { $0 + $1.size }
        waiting.remove(at: index)
        refused[ticket] = nil
        return .removed
    }
}

extension EventHead {
    /// About as many bytes as it takes in a header, on the safe side of escapes.
    fileprivate var weight: Int {
        var count = id.utf8.count + chat.utf8.count + sender.utf8.count + kind.rawValue.utf8.count
        count += (thread?.utf8.count ?? 0) + (group?.utf8.count ?? 0) + (replyTo?.utf8.count ?? 0)
        return 96 + 2 * count
    }
}
