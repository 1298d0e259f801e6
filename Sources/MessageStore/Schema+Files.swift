import GRDB

extension Schema {
    static func files(_ db: Database) throws {
        try db.execute(
            sql: """
                -- The files on the shelf, by SHA-256 of their bytes.
                CREATE TABLE files (
                    hash TEXT PRIMARY KEY, size INTEGER NOT NULL, ending TEXT NOT NULL, stored INTEGER NOT NULL
                ) WITHOUT ROWID;
                CREATE INDEX files_by_age ON files (stored);

                -- The file of an event's attachment, counted from 0. `image`: Claude is shown it with the message.
                CREATE TABLE event_files (
                    event INTEGER NOT NULL, position INTEGER NOT NULL, hash TEXT NOT NULL, image INTEGER NOT NULL,
                    PRIMARY KEY (event, position)
                ) WITHOUT ROWID;
                CREATE INDEX event_files_by_hash ON event_files (hash);

                -- The files that a part of the outbox sends.
                CREATE TABLE part_files (
                    part INTEGER NOT NULL, hash TEXT NOT NULL, PRIMARY KEY (part, hash)
                ) WITHOUT ROWID;
                CREATE INDEX part_files_by_hash ON part_files (hash);

                -- Admitted events that no session was given yet: they wait for their pictures, or behind one that does.
                CREATE TABLE awaiting_files (event INTEGER PRIMARY KEY);
                """)
    }
}
