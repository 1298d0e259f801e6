import GRDB

extension Schema {
    static func alerts(_ db: Database) throws {
        try db.execute(
            sql: """
                -- What all that is said about one alert has in common, and whether it goes on.
                ALTER TABLE events ADD COLUMN fingerprint TEXT;
                ALTER TABLE events ADD COLUMN state TEXT;
                """)
    }
}
