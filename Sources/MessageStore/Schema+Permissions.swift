import GRDB

extension Schema {
    static func permissions(_ db: Database) throws {
        try db.execute(
            sql: """
                -- What Claude Code asked leave for. `input`, `preview` and `about` are kept while it is open: a command
                -- may hold secrets, and nobody needs it afterwards.
                CREATE TABLE prompts (
                    id INTEGER PRIMARY KEY, session INTEGER NOT NULL, incarnation INTEGER NOT NULL,
                    request TEXT NOT NULL, code TEXT NOT NULL, tool TEXT NOT NULL, about TEXT NOT NULL,
                    preview TEXT NOT NULL, input BLOB, tool_use TEXT, outside TEXT NOT NULL,
                    asked INTEGER NOT NULL, state INTEGER NOT NULL, first TEXT, decider TEXT, ended INTEGER,
                    reason TEXT, written INTEGER NOT NULL, renewals INTEGER NOT NULL, due INTEGER NOT NULL
                );
                CREATE INDEX prompts_open ON prompts (id) WHERE state = 0 OR written = 0;

                -- Where a prompt is shown: to who may answer it, and to who waits for it.
                CREATE TABLE cards (
                    prompt INTEGER NOT NULL, number INTEGER NOT NULL, role INTEGER NOT NULL,
                    source INTEGER NOT NULL, chat TEXT NOT NULL, thread TEXT, address TEXT, nonce TEXT NOT NULL,
                    messages TEXT NOT NULL, said INTEGER NOT NULL, settled INTEGER NOT NULL, wanted INTEGER NOT NULL,
                    PRIMARY KEY (prompt, number)
                ) WITHOUT ROWID;

                -- Standing leave for one session to use one tool in one way.
                CREATE TABLE grants (
                    id INTEGER PRIMARY KEY, session INTEGER NOT NULL, tool TEXT NOT NULL, pattern TEXT NOT NULL,
                    giver TEXT NOT NULL, created INTEGER NOT NULL, expires INTEGER NOT NULL,
                    count INTEGER NOT NULL, used INTEGER NOT NULL, revoked INTEGER NOT NULL
                );
                """)
    }
}
