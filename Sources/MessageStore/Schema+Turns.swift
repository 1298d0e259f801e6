import GRDB

extension Schema {
    static func turns(_ db: Database) throws {
        try db.execute(
            sql: """
                -- What a delivery was before what it is now: `state:time` or `state:time:reason`, oldest first, a space
                -- after each.
                ALTER TABLE deliveries ADD COLUMN trail TEXT;
                -- The event whose delivery carries this one as well: an album, a paste that was split, a digest.
                ALTER TABLE deliveries ADD COLUMN lead INTEGER;

                -- What is known of a session's turns; its columns are those of `TurnRecord`.
                CREATE TABLE turns (
                    session INTEGER PRIMARY KEY, instance TEXT, has_hooks INTEGER NOT NULL,
                    expects_hooks INTEGER NOT NULL, is_working INTEGER NOT NULL, ended INTEGER NOT NULL, deaf TEXT,
                    stop_asked_in TEXT
                );
                """)
    }
}
