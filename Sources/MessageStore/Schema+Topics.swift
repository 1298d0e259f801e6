import GRDB

extension Schema {
    static func topics(_ db: Database) throws {
        try db.execute(
            sql: """
                -- Chats in which each session that attaches gets a topic of its own.
                CREATE TABLE topic_chats (
                    source INTEGER NOT NULL, chat TEXT NOT NULL, PRIMARY KEY (source, chat)
                ) WITHOUT ROWID;

                -- The open topics, each bound to its session.
                CREATE TABLE topics (
                    source INTEGER NOT NULL, chat TEXT NOT NULL, session INTEGER NOT NULL, thread TEXT NOT NULL,
                    PRIMARY KEY (source, chat, session)
                ) WITHOUT ROWID;

                -- When a session's message was sent: retention forgets it with the event ids of its time.
                ALTER TABLE spoken ADD COLUMN at INTEGER NOT NULL DEFAULT 0;
                UPDATE spoken SET at = CAST(strftime('%s', 'now') AS INTEGER) * 1000;
                CREATE INDEX spoken_age ON spoken (at);
                """)
    }
}
