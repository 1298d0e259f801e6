public import ChannelEvents
import Crypto
import GRDB

extension StoreTurn {
    /// Appends one line to the audit, chained to the one before it.
    public func append(_ entry: AuditEntry, now: Int64) throws {
        var previous: [UInt8] = []
        try statement("SELECT hash FROM audit ORDER BY id DESC LIMIT 1").each { previous = $0.blob(0) ?? [] }
        let insert = try statement(
            """
            INSERT INTO audit (at, kind, actor, conversation, event, session, rule, detail, hash)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
            """)
        insert.bind(1, now)
        insert.bind(2, entry.kind)
        insert.bind(3, entry.actor)
        insert.bind(4, entry.conversation)
        insert.bind(5, entry.event)
        insert.bind(6, entry.session)
        insert.bind(7, entry.rule)
        insert.bind(8, entry.detail)
        insert.bind(9, entry.hash(at: now, after: previous))
        try insert.run()
    }
}

extension AuditEntry {
    /// SHA-256 over the hash before and all members, each with its length, so that nothing can move from one to another.
    func hash(at time: Int64, after previous: [UInt8]) -> [UInt8] {
        var digest = SHA256()
        digest.update(data: previous)
        for member in [String(time), kind, actor, conversation, event, session, rule, detail] {
            let bytes = Array((member ?? "").utf8)
            digest.update(data: Array("\(member == nil ? "-" : "\(bytes.count)"):".utf8))
            digest.update(data: bytes)
        }
        return Array(digest.finalize())
    }
}

extension StoreReader {
    /// The newest lines of the audit, newest first; without the seals, of which there is one for every busy minute.
    public func audit(before: Int64?, limit: Int) throws -> [AuditRecord] {
        let query = try HotStatement(db, AuditRecord.query + "WHERE id < ? AND kind <> ? ORDER BY id DESC LIMIT ?")
        query.bind(1, before ?? .max)
        query.bind(2, DecisionSeal.kind)
        query.bind(3, Int64(limit))
        return try query.auditRecords()
    }

    /// The lines that an event led to, oldest first.
    public func audit(of event: EventKey, limit: Int) throws -> [AuditRecord] {
        let query = try HotStatement(db, AuditRecord.query + "WHERE event = ? ORDER BY id LIMIT ?")
        query.bind(1, event.description)
        query.bind(2, Int64(limit))
        return try query.auditRecords()
    }

    /// Reckons the whole chain again.
    /// - Returns: how many lines there are, and the first that does not fit what stands before it, or `nil`. Lines that
    ///   were cut off at the end leave no trace here; the number of lines, noted elsewhere, shows it.
    public func verifyAudit() throws -> (count: Int64, firstBroken: Int64?) {
        var previous: [UInt8] = []
        var last: Int64 = 0
        var count: Int64 = 0
        while true {
            let query = try HotStatement(db, AuditRecord.query + "WHERE id > ? ORDER BY id LIMIT 1000")
            query.bind(1, last)
            let page = try query.auditRecords()
            guard !page.isEmpty else { return (count, nil) }
            for record in page {
                guard record.id == last + 1, record.entry.hash(at: record.at, after: previous) == record.hash else {
                    return (count, record.id)
                }
                previous = record.hash
                last = record.id
                count += 1
            }
        }
    }
}

extension AuditRecord {
    fileprivate static let query =
        "SELECT id, at, kind, actor, conversation, event, session, rule, detail, hash FROM audit "
}

extension HotStatement {
    fileprivate func auditRecords() throws -> [AuditRecord] {
        var records: [AuditRecord] = []
        try each { row in
            records.append(
                AuditRecord(
                    id: row.integer(0), at: row.integer(1),
                    entry: AuditEntry(
                        kind: row.text(2) ?? "", actor: row.text(3) ?? "", conversation: row.text(4),
                        event: row.text(5), session: row.text(6), rule: row.text(7), detail: row.text(8)),
                    hash: row.blob(9) ?? []))
        }
        return records
    }
}
