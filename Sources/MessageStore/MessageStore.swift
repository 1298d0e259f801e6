import GRDB

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// What must survive, in SQLite: one writer, one transaction per turn of the router's loop, readers beside it.
///
/// `synchronous=FULL`: what a turn committed is on the disk when ``turn(_:)`` returns.
public final class MessageStore: Sendable {
    let pool: DatabasePool
    let path: String

    /// Opens the database, copying it first when a migration is due.
    ///
    /// - Throws: ``StoreError``: `newer` when it was written by a newer Switchboard, else what is wrong with the file.
    public convenience init(path: String) throws(StoreError) {
        try self.init(path: path, migrator: Schema.migrator)
    }

    /// The same with other migrations, as a later version will have them.
    init(path: String, migrator: DatabaseMigrator) throws(StoreError) {
        self.path = path
        do {
            pool = try DatabasePool(path: path, configuration: Self.configuration)
            let state = try pool.read { db in
                (
                    superseded: try migrator.hasBeenSuperseded(db), complete: try migrator.hasCompletedMigrations(db),
                    applied: try migrator.appliedMigrations(db).last
                )
            }
            if state.superseded {
                throw StoreError(
                    .newer,
                    "\(path) was written by a newer Switchboard: update this one, or restore the copy "
                        + "beside it that was made before its migration")
            }
            if !state.complete {
                if let applied = state.applied { try Self.copy(pool, to: "\(path).before-migration-after-\(applied)") }
                try migrator.migrate(pool)
            }
            try pool.writeWithoutTransaction(Self.makeDurable)
        } catch {
            throw StoreError(error, path: path)
        }
    }

    private static var configuration: GRDB.Configuration {
        var configuration = GRDB.Configuration()
        configuration.label = "store"
        configuration.maximumReaderCount = 2
        configuration.busyMode = .timeout(2)
        configuration.prepareDatabase { db in
            try db.execute(sql: "PRAGMA wal_autocheckpoint = 4000")
            try db.execute(sql: "PRAGMA cache_size = -16000")
            #if canImport(Darwin)
                try db.execute(sql: "PRAGMA fullfsync = ON")
            #endif
        }
        return configuration
    }

    /// GRDB chooses `NORMAL` when it turns the log on, which a loss of power can undo; the writer's connection lives as
    /// long as the pool, so it is set once, and read back: everything acknowledged depends on it.
    private static func makeDurable(_ db: Database) throws {
        try db.execute(sql: "PRAGMA synchronous = FULL")
        guard try Int.fetchOne(db, sql: "PRAGMA synchronous") == 2 else {
            throw StoreError(.failed, "SQLite does not take synchronous=FULL")
        }
    }

    private static func copy(_ pool: DatabasePool, to path: String) throws {
        // A copy that is there already was made by an attempt that did not finish.
        unlink(path)
        try pool.writeWithoutTransaction { db in try db.execute(sql: "VACUUM INTO ?", arguments: [path]) }
    }

    /// One transaction. Everything that `body` does is on the disk when this returns, or none of it is.
    public func turn<Value>(_ body: (inout StoreTurn) throws -> Value) throws(StoreError) -> Value {
        do {
            return try pool.writeWithoutTransaction { db in
                var value: Value?
                try db.inTransaction(.immediate) {
                    var turn = StoreTurn(db)
                    value = try body(&turn)
                    return .commit
                }
                guard let value else { throw StoreError(.failed, "the transaction ended without a value") }
                return value
            }
        } catch {
            throw StoreError(error, path: path)
        }
    }

    /// Reads beside the writer, on the caller's thread.
    public func read<Value>(_ body: (StoreReader) throws -> Value) throws(StoreError) -> Value {
        do {
            return try pool.read { db in try body(StoreReader(db)) }
        } catch {
            throw StoreError(error, path: path)
        }
    }

    /// Writes one page and commits: whether there is room again after ``StoreError/Code/full``.
    public func probe() throws(StoreError) {
        // SQLite writes nothing when a value stays as it was.
        try turn { turn in try turn.setFact("probe", Int64.random(in: .min ... .max)) }
    }

    /// The size of the database, without its log, in bytes.
    public func size() throws(StoreError) -> Int64 {
        try read { reader in try reader.size() }
    }
}
