import GRDB

extension Schema {
    static func feeds(_ db: Database) throws {
        try db.execute(
            sql: """
                -- Events of feeds that were shown to people, by the messages they became: an answer to one is for the
                -- session that has the event. The newest are kept.
                CREATE TABLE reports (
                    event INTEGER PRIMARY KEY, id TEXT NOT NULL,
                    source INTEGER NOT NULL, chat TEXT NOT NULL, thread TEXT NOT NULL,
                    fingerprint TEXT, summary TEXT NOT NULL,
                    shown_source INTEGER NOT NULL, shown_chat TEXT NOT NULL, shown_thread TEXT NOT NULL, messages TEXT
                );
                """)
    }
}
