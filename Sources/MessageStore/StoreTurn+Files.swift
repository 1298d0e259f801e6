public import ChannelEvents
import GRDB

/// An attachment of an event that a session asks for.
public struct AttachmentRecord: Sendable {
    public var event: EventSequence
    public var source: SourceID
    public var head: EventHead
    /// `nil` when the text was kept long enough, or never.
    public var body: [UInt8]?
    /// What was fetched of it, by place.
    public var files: [Int: StoredFile]
}

extension StoreTurn {
    public func insertFile(_ file: StoredFile, now: Int64) throws {
        let insert = try statement(
            """
            INSERT INTO files (hash, size, ending, stored) VALUES (?, ?, ?, ?)
            ON CONFLICT (hash) DO UPDATE SET stored = excluded.stored
            """)
        insert.bind(1, file.hash)
        insert.bind(2, file.size)
        insert.bind(3, file.ending)
        insert.bind(4, now)
        try insert.run()
    }

    public func setEventFile(event: EventSequence, position: Int, hash: String, isImage: Bool) throws {
        let insert = try statement(
            "INSERT OR REPLACE INTO event_files (event, position, hash, image) VALUES (?, ?, ?, ?)")
        insert.bind(1, event)
        insert.bind(2, Int64(position))
        insert.bind(3, hash)
        insert.bind(4, isImage ? 1 : 0)
        try insert.run()
    }

    public func setPartFile(part: Int64, hash: String) throws {
        let insert = try statement("INSERT OR IGNORE INTO part_files (part, hash) VALUES (?, ?)")
        insert.bind(1, part)
        insert.bind(2, hash)
        try insert.run()
    }

    public func setAwaitingFiles(_ event: EventSequence, _ isAwaiting: Bool) throws {
        let change = try statement(
            isAwaiting
                ? "INSERT OR IGNORE INTO awaiting_files (event) VALUES (?)"
                : "DELETE FROM awaiting_files WHERE event = ?")
        change.bind(1, event)
        try change.run()
    }

    /// A file that a session may read: it came with an event that was delivered to it.
    public func file(_ hash: String, readableBy session: SessionID) throws -> StoredFile? {
        let query = try statement(
            StoredFile.query + """
                WHERE f.hash = ? AND EXISTS (
                    SELECT 1 FROM event_files a JOIN deliveries d ON d.session = ? AND d.event = a.event
                    WHERE a.hash = f.hash AND d.state BETWEEN 1 AND 6)
                """)
        query.bind(1, hash)
        query.bind(2, session)
        return try query.storedFiles().first
    }

    /// A file that a source was told to send, and has not said how that ended.
    public func file(_ hash: String, sentBy source: SourceID) throws -> StoredFile? {
        let query = try statement(
            StoredFile.query + """
                WHERE f.hash = ? AND EXISTS (
                    SELECT 1 FROM part_files p JOIN outbox o ON o.id = p.part
                    WHERE p.hash = f.hash AND o.source = ? AND o.state = 1)
                """)
        query.bind(1, hash)
        query.bind(2, source)
        return try query.storedFiles().first
    }

    /// An event with its files, when it was delivered to this session.
    public func attachments(of key: EventKey, session: SessionID) throws -> AttachmentRecord? {
        let query = try statement(
            """
            SELECT e.seq, e.source, e.id, e.chat, e.thread, e.sender, e.kind, e.authentication, e.flags, e.part_of,
                e.reply_to, e.time, e.fingerprint, e.state, e.body
            FROM sources s JOIN events e ON e.source = s.id AND e.id = ?2
                JOIN deliveries d ON d.session = ?3 AND d.event = e.seq AND d.state BETWEEN 1 AND 6
            WHERE s.name = ?1
            """)
        query.bind(1, key.source.text)
        query.bind(2, key.id)
        query.bind(3, session)
        var record: AttachmentRecord?
        try query.each { row in
            record = AttachmentRecord(
                event: row.integer(0), source: row.integer(1), head: EventHead(row: row, from: 2), body: row.blob(14),
                files: [:])
        }
        guard let event = record?.event else { return nil }
        record?.files = try files(of: event)
        return record
    }

    private func files(of event: EventSequence) throws -> [Int: StoredFile] {
        let query = try statement(
            """
            SELECT a.position, f.hash, f.size, f.ending FROM event_files a JOIN files f ON f.hash = a.hash
            WHERE a.event = ?
            """)
        query.bind(1, event)
        var files: [Int: StoredFile] = [:]
        try query.each { row in
            files[Int(row.integer(0))] = StoredFile(
                hash: row.text(1) ?? "", size: row.integer(2), ending: row.text(3) ?? "")
        }
        return files
    }

    // MARK: Room

    /// What all files take, in bytes.
    public func fileBytes() throws -> Int64 {
        var bytes: Int64 = 0
        try statement("SELECT ifnull(sum(size), 0) FROM files").each { bytes = $0.integer(0) }
        return bytes
    }

    /// Takes files off the books: those that nothing with a text refers to, then the oldest until the rest fits. What
    /// a part still sends stays.
    /// - Parameters:
    ///   - grace: so long a file may be without a reference, in milliseconds: it was just received.
    ///   - rows: at most so many, so that the turn stays short.
    /// - Returns: the files to remove once this is committed.
    public func releaseFiles(over quota: Int64, grace: Int64, rows: Int, now: Int64) throws -> [StoredFile] {
        try statement(
            "DELETE FROM event_files WHERE NOT EXISTS (SELECT 1 FROM events WHERE seq = event AND body IS NOT NULL)"
        ).run()
        try statement("DELETE FROM part_files WHERE NOT EXISTS (SELECT 1 FROM outbox WHERE id = part)").run()
        let unreferenced = try statement(
            """
            SELECT hash, size, ending FROM files WHERE stored < ?
                AND NOT EXISTS (SELECT 1 FROM event_files a WHERE a.hash = files.hash)
                AND NOT EXISTS (SELECT 1 FROM part_files p WHERE p.hash = files.hash)
            ORDER BY stored LIMIT ?
            """)
        unreferenced.bind(1, now - grace)
        unreferenced.bind(2, Int64(rows))
        var released = try unreferenced.storedFiles()
        try released.forEach(forget)
        var bytes = try fileBytes()
        guard bytes > quota else { return released }
        let oldest = try statement(
            """
            SELECT hash, size, ending FROM files WHERE NOT EXISTS (
                SELECT 1 FROM part_files p JOIN outbox o ON o.id = p.part WHERE p.hash = files.hash AND o.state < 2)
            ORDER BY stored LIMIT ?
            """)
        oldest.bind(1, Int64(rows))
        for file in try oldest.storedFiles() {
            guard bytes > quota else { break }
            bytes -= file.size
            try forget(file)
            released.append(file)
        }
        return released
    }

    private func forget(_ file: StoredFile) throws {
        for sql in ["DELETE FROM files WHERE hash = ?", "DELETE FROM event_files WHERE hash = ?"] {
            let delete = try statement(sql)
            delete.bind(1, file.hash)
            try delete.run()
        }
    }

    /// The events that waited for their files when the router ended, in order.
    func loadAwaitingFiles(into state: inout StoredState) throws {
        let query = try statement(
            """
            SELECT e.seq, 0, e.source, e.id, e.chat, e.thread, e.sender, e.kind, e.authentication, e.flags, e.part_of,
                e.reply_to, e.time, e.fingerprint, e.state, e.body, f.hash, f.size, f.ending
            FROM awaiting_files w JOIN events e ON e.seq = w.event
                LEFT JOIN event_files a ON a.event = e.seq AND a.image = 1
                LEFT JOIN files f ON f.hash = a.hash
            GROUP BY e.seq ORDER BY e.seq
            """)
        for delivery in try query.waitingDeliveries() {
            var event = AwaitingEvent(delivery: delivery)
            if let replyTo = delivery.head.replyTo {
                event.speaker = try speaker(of: replyTo, source: delivery.source, chat: delivery.head.chat)
            }
            state.awaitingFiles.append(event)
        }
    }
}

extension StoredFile {
    fileprivate static let query = "SELECT f.hash, f.size, f.ending FROM files f "
}

extension StoreReader {
    /// What is known of a file by its content.
    public func file(_ hash: String) throws -> StoredFile? {
        let query = try HotStatement(db, StoredFile.query + "WHERE f.hash = ?")
        query.bind(1, hash)
        return try query.storedFiles().first
    }

    /// Whether a file of this name in the folder is on the books.
    public func hasFile(named name: String) throws -> Bool {
        let query = try HotStatement(db, "SELECT 1 FROM files WHERE hash = ? AND hash || ending = ?")
        query.bind(1, String(name.prefix(64)))
        query.bind(2, name)
        var has = false
        try query.each { _ in has = true }
        return has
    }
}

extension HotStatement {
    fileprivate func storedFiles() throws -> [StoredFile] {
        var files: [StoredFile] = []
        try each { row in
            files.append(StoredFile(hash: row.text(0) ?? "", size: row.integer(1), ending: row.text(2) ?? ""))
        }
        return files
    }
}

extension HotRow {
    /// From the columns `hash`, `size`, `ending` of `files`; `nil` when there is none.
    func storedFile(from column: Int32) -> StoredFile? {
        text(column).map { StoredFile(hash: $0, size: integer(column + 1), ending: text(column + 2) ?? "") }
    }
}
