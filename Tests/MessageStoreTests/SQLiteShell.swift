import GRDB

/// Changes a database behind the store's back, as another version or an accident would.
enum SQLiteShell {
    static func run(_ path: String, _ sql: String) throws {
        let queue = try DatabaseQueue(path: path)
        try queue.writeWithoutTransaction { try $0.execute(sql: sql) }
        try queue.close()
    }
}
