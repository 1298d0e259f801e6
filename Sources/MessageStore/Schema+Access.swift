import GRDB

extension Schema {
    static func access(_ db: Database) throws {
        try db.execute(
            sql: """
                -- What was decided and changed, append-only. Each row's hash covers the row and the hash before it.
                CREATE TABLE audit (
                    id INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL, actor TEXT NOT NULL,
                    conversation TEXT, event TEXT, session TEXT, rule TEXT, detail TEXT, hash BLOB NOT NULL
                );
                """)
    }
}
