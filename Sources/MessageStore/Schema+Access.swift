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

                -- What `switchboard access` changed, over the baseline of the configuration.
                CREATE TABLE access_amendments (
                    source TEXT NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL, value TEXT NOT NULL,
                    PRIMARY KEY (source, kind, subject)
                ) WITHOUT ROWID;

                -- Strangers who were given a code.
                CREATE TABLE pairings (
                    code TEXT PRIMARY KEY, source INTEGER NOT NULL, sender TEXT NOT NULL, chat TEXT NOT NULL,
                    thread TEXT, created INTEGER NOT NULL, replies INTEGER NOT NULL
                ) WITHOUT ROWID;

                -- How a chat's messages came in: what we say may go out by the same way.
                CREATE TABLE admissions (
                    source INTEGER NOT NULL, chat TEXT NOT NULL, way TEXT NOT NULL, sender TEXT,
                    PRIMARY KEY (source, chat)
                ) WITHOUT ROWID;
                INSERT OR IGNORE INTO admissions (source, chat, way, sender)
                    SELECT source, chat,
                        CASE rule WHEN 'listed' THEN CASE WHEN flags & 1 THEN 'direct' ELSE 'group' END ELSE rule END,
                        CASE WHEN rule = 'listed' AND flags & 1 THEN sender END
                    FROM events WHERE rule IN ('listed', 'secret', 'loopback') ORDER BY seq DESC;
                """)
    }
}

extension Schema {
    static func addressedThreads(_ db: Database) throws {
        try db.execute(
            sql: """
                -- Threads in which somebody who is let in addressed us: no further mention is needed there.
                CREATE TABLE addressed_threads (
                    source INTEGER NOT NULL, chat TEXT NOT NULL, thread TEXT NOT NULL,
                    PRIMARY KEY (source, chat, thread)
                ) WITHOUT ROWID;
                INSERT OR IGNORE INTO addressed_threads (source, chat, thread)
                    SELECT source, chat, thread FROM conversations WHERE thread <> '';
                """)
    }
}
