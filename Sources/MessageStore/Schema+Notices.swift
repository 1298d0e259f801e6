import GRDB

extension Schema {
    static func notices(_ db: Database) throws {
        try db.execute(
            sql: """
                -- Conversations that were told that a session does not take their messages; until it does.
                CREATE TABLE outage_notices (
                    session INTEGER NOT NULL, source INTEGER NOT NULL, chat TEXT NOT NULL, thread TEXT NOT NULL,
                    PRIMARY KEY (session, source, chat, thread)
                ) WITHOUT ROWID;

                -- The line that says in a conversation what its session is busy with; `message` is the platform's id.
                CREATE TABLE status_lines (
                    session INTEGER NOT NULL, source INTEGER NOT NULL, chat TEXT NOT NULL, thread TEXT NOT NULL,
                    message TEXT NOT NULL, PRIMARY KEY (session, source, chat, thread)
                ) WITHOUT ROWID;
                """)
    }
}
