import Crypto

/// What was decided on a range of events, under one hash: a line of the audit holds it, so that the rule of an event,
/// let in or refused, cannot be changed unnoticed. It is made beside the loop, a little after the decisions: the way
/// of a message costs nothing more.
public struct DecisionSeal: Hashable, Sendable {
    /// Of the audit's lines that hold one.
    public static let kind = "sealed"

    public var first: EventSequence
    public var last: EventSequence
    /// How many events the range has.
    public var count: Int64
    public var digest: [UInt8]

    init(first: EventSequence, last: EventSequence, count: Int64, digest: [UInt8]) {
        self.first = first
        self.last = last
        self.count = count
        self.digest = digest
    }

    /// Reads ``text``.
    init?(_ text: String) {
        let words = text.split(separator: " ")
        guard words.count == 4, let first = EventSequence(words[0]), let last = EventSequence(words[1]),
            let count = Int64(words[2]), words[3].utf8.count == 64
        else { return nil }
        var digest: [UInt8] = []
        var rest = words[3][...]
        while !rest.isEmpty {
            guard let byte = UInt8(rest.prefix(2), radix: 16) else { return nil }
            digest.append(byte)
            rest = rest.dropFirst(2)
        }
        self.init(first: first, last: last, count: count, digest: digest)
    }

    /// As the audit's `detail` has it.
    var text: String {
        let hexadecimal = digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        return "\(first) \(last) \(count) \(hexadecimal)"
    }
}

/// What the seals say about the events that are still there.
public struct SealedDecisions: Hashable, Sendable {
    /// Events that were sealed and are as they were.
    public var whole: Int64 = 0
    /// Events that were sealed and are gone: retention, or somebody else.
    public var missing: Int64 = 0
    /// Events that are too young to be sealed.
    public var unsealed: Int64 = 0
    /// The first range that is not as it was sealed.
    public var firstBroken: ClosedRange<EventSequence>?

    public init(
        whole: Int64 = 0, missing: Int64 = 0, unsealed: Int64 = 0, firstBroken: ClosedRange<EventSequence>? = nil
    ) {
        self.whole = whole
        self.missing = missing
        self.unsealed = unsealed
        self.firstBroken = firstBroken
    }
}

extension StoreReader {
    /// The seal of the events after one, up to another; `nil` where there are none.
    public func seal(after first: EventSequence, through last: EventSequence = .max, limit: Int) throws
        -> DecisionSeal?
    {
        let query = try HotStatement(
            db,
            """
            SELECT seq, admitted, source, flags, id, chat, thread, sender, kind, authentication, rule FROM events
            WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?
            """)
        query.bind(1, first)
        query.bind(2, last)
        query.bind(3, Int64(limit))
        var digest = SHA256()
        var range: ClosedRange<EventSequence>?
        var count: Int64 = 0
        try query.each { row in
            let sequence = row.integer(0)
            range = (range?.lowerBound ?? sequence)...sequence
            count += 1
            // Each member with its length, so that nothing can move from one to another.
            var record = "\(sequence) \(row.integer(1)) \(row.integer(2)) \(row.integer(3))"
            for column in Int32(4)...10 {
                let member = row.text(column)
                record += " \(member?.utf8.count ?? -1):\(member ?? "")"
            }
            digest.update(data: Array(record.utf8))
        }
        return range.map {
            DecisionSeal(first: $0.lowerBound, last: $0.upperBound, count: count, digest: Array(digest.finalize()))
        }
    }

    /// The last event under a seal; 0 where there is no seal yet.
    public func lastSealed() throws -> EventSequence {
        let query = try HotStatement(db, "SELECT detail FROM audit WHERE kind = ? ORDER BY id DESC LIMIT 1")
        query.bind(1, DecisionSeal.kind)
        var last: EventSequence = 0
        try query.each { last = $0.text(0).flatMap(DecisionSeal.init)?.last ?? 0 }
        return last
    }

    /// Reckons every seal again from the events that are there.
    public func verifyDecisions() throws -> SealedDecisions {
        var result = SealedDecisions()
        var page: [(id: Int64, detail: String)] = []
        var lastLine: Int64 = 0
        repeat {
            page = []
            let query = try HotStatement(
                db, "SELECT id, detail FROM audit WHERE kind = ? AND id > ? ORDER BY id LIMIT 500")
            query.bind(1, DecisionSeal.kind)
            query.bind(2, lastLine)
            try query.each { page.append(($0.integer(0), $0.text(1) ?? "")) }
            for line in page {
                lastLine = line.id
                guard let sealed = DecisionSeal(line.detail) else { continue }
                let now = try seal(after: sealed.first - 1, through: sealed.last, limit: Int(Int32.max))
                let count = now?.count ?? 0
                if count == sealed.count, now == sealed {
                    result.whole += count
                } else if count < sealed.count {
                    result.missing += sealed.count - count
                } else if result.firstBroken == nil {
                    result.firstBroken = sealed.first...sealed.last
                }
            }
        } while !page.isEmpty
        let young = try HotStatement(db, "SELECT count(*) FROM events WHERE seq > ?")
        young.bind(1, try lastSealed())
        try young.each { result.unsealed = $0.integer(0) }
        return result
    }
}

extension StoreTurn {
    public func append(_ seal: DecisionSeal, now: Int64) throws {
        try append(AuditEntry(kind: DecisionSeal.kind, actor: "router", detail: seal.text), now: now)
    }
}
