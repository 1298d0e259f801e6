import GRDB

/// The tables, as migrations that are only ever appended.
enum Schema {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1-spine", migrate: spine)
        migrator.registerMigration("2-access", migrate: access)
        migrator.registerMigration("4-sessions", migrate: sessions)
        migrator.registerMigration("5-alerts", migrate: alerts)
        migrator.registerMigration("6-turns", migrate: turns)
        migrator.registerMigration("7-outbox", migrate: outbox)
        migrator.registerMigration("8-topics", migrate: topics)
        migrator.registerMigration("9-feeds", migrate: feeds)
        migrator.registerMigration("10-permissions", migrate: permissions)
        migrator.registerMigration("11-files", migrate: files)
        migrator.registerMigration("12-notices", migrate: notices)
        migrator.registerMigration("13-access-threads", migrate: addressedThreads)
        migrator.registerMigration("14-questions", migrate: questions)
        return migrator
    }

    private static func spine(_ db: Database) throws {
        try db.execute(
            sql: """
                -- One value each: the epoch, the schema's own facts.
                CREATE TABLE facts (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;

                -- An adapter instance, where it stands on its platform, and who held it last.
                CREATE TABLE sources (
                    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, cursor BLOB,
                    holder TEXT, holder_pid INTEGER, held_since INTEGER
                );

                -- Every event ever admitted or refused. The constraint is the deduplication. `body` is null when the
                -- sender was refused (his text is never stored) and when the text was kept long enough.
                CREATE TABLE events (
                    seq INTEGER PRIMARY KEY,
                    source INTEGER NOT NULL, id TEXT NOT NULL,
                    chat TEXT NOT NULL, thread TEXT, sender TEXT NOT NULL, kind TEXT NOT NULL,
                    authentication TEXT NOT NULL, flags INTEGER NOT NULL, part_of TEXT, reply_to TEXT,
                    time INTEGER NOT NULL, admitted INTEGER NOT NULL, rule TEXT NOT NULL, body BLOB,
                    UNIQUE (source, id)
                );

                CREATE TABLE sessions (
                    id INTEGER PRIMARY KEY, label TEXT NOT NULL UNIQUE, project TEXT NOT NULL,
                    incarnation INTEGER NOT NULL, instance TEXT, created INTEGER NOT NULL
                );

                -- One event for one session, clustered in the order it will be delivered. Session 0 is nobody yet.
                CREATE TABLE deliveries (
                    session INTEGER NOT NULL, event INTEGER NOT NULL,
                    state INTEGER NOT NULL, offers INTEGER NOT NULL, changed INTEGER NOT NULL, reason TEXT,
                    PRIMARY KEY (session, event)
                ) WITHOUT ROWID;

                -- Which session a conversation used last.
                CREATE TABLE conversations (
                    source INTEGER NOT NULL, chat TEXT NOT NULL, thread TEXT NOT NULL, session INTEGER NOT NULL,
                    PRIMARY KEY (source, chat, thread)
                ) WITHOUT ROWID;

                -- What a session may read and answer: the conversations it was delivered.
                CREATE TABLE heard (
                    session INTEGER NOT NULL, source INTEGER NOT NULL, chat TEXT NOT NULL, thread TEXT NOT NULL,
                    PRIMARY KEY (session, source, chat, thread)
                ) WITHOUT ROWID;

                CREATE TABLE outbox (
                    id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, session INTEGER NOT NULL,
                    source INTEGER NOT NULL, chat TEXT NOT NULL, thread TEXT, reply_to TEXT,
                    verb TEXT NOT NULL, arguments BLOB NOT NULL, digest INTEGER NOT NULL,
                    state INTEGER NOT NULL, attempts INTEGER NOT NULL, not_before INTEGER NOT NULL,
                    ids TEXT, reason TEXT, created INTEGER NOT NULL, changed INTEGER NOT NULL
                );
                CREATE INDEX outbox_open ON outbox (id) WHERE state < 2;
                CREATE INDEX outbox_recent ON outbox (digest, created);

                -- Events that were too malformed to admit: where and why, without text.
                CREATE TABLE dead_letters (
                    id INTEGER PRIMARY KEY, source INTEGER NOT NULL, reason TEXT NOT NULL, at INTEGER NOT NULL
                );
                """)
    }
}
