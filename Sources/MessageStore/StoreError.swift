import GRDB

/// Why the store cannot do what was asked. Says what to do; never repairs by itself.
public struct StoreError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Code: String, Sendable {
        /// The disk or its quota is full: intake stops, nothing is lost, it goes on when there is room.
        case full
        case corrupt
        /// Reading or writing the file failed.
        case io
        /// Another program holds the database.
        case busy
        /// The database was written by a newer Switchboard.
        case newer
        case failed
    }

    public let code: Code
    public let message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// What SQLite said, in the store's words.
    init(_ error: any Error, path: String) {
        guard let error = error as? DatabaseError else {
            self = error as? StoreError ?? StoreError(.failed, "\(error)")
            return
        }
        switch error.resultCode {
        case .SQLITE_FULL: self.init(.full, "no room left for \(path): free some space; Switchboard goes on by itself")
        case .SQLITE_CORRUPT, .SQLITE_NOTADB:
            self.init(
                .corrupt,
                "\(path) is damaged: stop Switchboard and restore a backup, or move the file away to start anew")
        case .SQLITE_IOERR, .SQLITE_CANTOPEN, .SQLITE_READONLY, .SQLITE_PERM:
            self.init(
                .io,
                "\(path) cannot be read or written (\(error.extendedResultCode)): check the disk and the permissions")
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            self.init(.busy, "\(path) is held by another program: close it")
        default: self.init(.failed, "SQLite \(error.extendedResultCode) at \(path)")
        }
    }

    public var description: String { message }
}
