import GRDB

extension Schema {
    static func outbox(_ db: Database) throws {
        try db.execute(
            sql: """
                -- A reply may be several parts in a row: all name the first one. What it was asked to say stands at the
                -- first alone.
                ALTER TABLE outbox ADD COLUMN reply INTEGER;
                ALTER TABLE outbox ADD COLUMN ordinal INTEGER NOT NULL DEFAULT 1;
                ALTER TABLE outbox ADD COLUMN total INTEGER NOT NULL DEFAULT 1;
                ALTER TABLE outbox ADD COLUMN asked BLOB;
                UPDATE outbox SET reply = id;
                CREATE INDEX outbox_reply ON outbox (reply);
                CREATE INDEX outbox_letters ON outbox (id) WHERE state IN (3, 4);

                -- Deliveries that were given up.
                CREATE INDEX deliveries_dead ON deliveries (event) WHERE state = 9;

                -- What an adapter can do holds while it is away.
                ALTER TABLE sources ADD COLUMN abilities BLOB;
                """)
    }
}
