import GRDB

extension Schema {
    static func sessions(_ db: Database) throws {
        try db.execute(
            sql: """
                -- The session that a person chose for a conversation; it stands before the one used last.
                CREATE TABLE bindings (
                    source INTEGER NOT NULL, chat TEXT NOT NULL, thread TEXT NOT NULL, session INTEGER NOT NULL,
                    PRIMARY KEY (source, chat, thread)
                ) WITHOUT ROWID;

                -- Conversations that were asked which session is meant, and have not answered.
                CREATE TABLE asked (
                    source INTEGER NOT NULL, chat TEXT NOT NULL, thread TEXT NOT NULL,
                    PRIMARY KEY (source, chat, thread)
                ) WITHOUT ROWID;

                -- The sessions that answered in a conversation: from the second on, answers begin with the label.
                CREATE TABLE speakers (
                    source INTEGER NOT NULL, chat TEXT NOT NULL, thread TEXT NOT NULL, session INTEGER NOT NULL,
                    PRIMARY KEY (source, chat, thread, session)
                ) WITHOUT ROWID;

                -- Which session sent a platform's message: an answer to that message is for this session.
                CREATE TABLE spoken (
                    source INTEGER NOT NULL, chat TEXT NOT NULL, message TEXT NOT NULL, session INTEGER NOT NULL,
                    PRIMARY KEY (source, chat, message)
                ) WITHOUT ROWID;
                """)
    }
}
