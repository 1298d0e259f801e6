import Dispatch

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A lock that the system takes back when its process ends, however it ends.
///
/// Held until the last reference goes: keep one with `withExtendedLifetime`. The file stays; it holds the pid of the
/// last holder, for people and for the error of whoever comes second.
public final class FileLock: Sendable {
    public let path: String
    private let file: Int32

    /// Takes the lock or fails.
    /// - Parameters:
    ///   - what: what the lock stands for in the error, such as `a router`.
    ///   - seconds: how long to wait for a holder that is about to end; 0 fails at once.
    /// - Throws: ``HomeError`` with `held` and the holder's pid when another process has it.
    public convenience init(_ path: String, what: String, waiting seconds: Int) throws(HomeError) {
        // Another that waited too may be faster: then it is held again, and for long.
        if seconds > 0 { _ = try Self.waitUntilFree(path, seconds: seconds) }
        try self.init(path, what: what)
    }

    /// Takes the lock or fails at once.
    /// - Throws: ``HomeError`` with `held` and the holder's pid when another process has it.
    public init(_ path: String, what: String) throws(HomeError) {
        // Close-on-exec: a child that inherited it would hold the lock after its parent's death.
        let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw .system("open the lock", path, errno: errno) }
        while flock(file, LOCK_EX | LOCK_NB) != 0 {
            let code = errno
            if code == EINTR { continue }
            close(file)
            guard code == EWOULDBLOCK else { throw .system("lock", path, errno: code) }
            let holder = Self.lastHolder(path)
            let who = holder.map { " as process \($0)" } ?? ""
            throw HomeError(.held, "\(what) runs already\(who) (lock \(path))", path: path, holder: holder)
        }
        do throws(HomeError) {
            guard ftruncate(file, 0) == 0 else { throw HomeError.system("write", path, errno: errno) }
            try SystemFile.write(file, Array("\(getpid())\n".utf8), path)
        } catch {
            close(file)
            throw error
        }
        self.path = path
        self.file = file
    }

    deinit { close(file) }

    /// The pid of the process that holds the lock now; `nil` when none does.
    public static func holder(_ path: String) throws(HomeError) -> Int32? {
        let file = open(path, O_RDWR | O_CLOEXEC)
        guard file >= 0 else {
            let code = errno
            if code == ENOENT { return nil }
            throw .system("open the lock", path, errno: code)
        }
        defer { close(file) }
        // A shared lock held for an instant: it says whether someone has the exclusive one.
        if flock(file, LOCK_SH | LOCK_NB) == 0 { return nil }
        return lastHolder(path)
    }

    /// Waits until nobody holds the lock.
    /// - Returns: whether that was so in time.
    public static func waitUntilFree(_ path: String, seconds: Int) throws(HomeError) -> Bool {
        let file = open(path, O_RDWR | O_CLOEXEC)
        guard file >= 0 else {
            let code = errno
            if code == ENOENT { return true }
            throw .system("open the lock", path, errno: code)
        }
        // The wait has no limit of its own, so it is another thread's; past the limit that thread is left behind.
        let free = DispatchSemaphore(value: 0)
        try SystemThread.start("lock") {
            while flock(file, LOCK_SH) != 0, errno == EINTR {}
            close(file)
            free.signal()
        }
        return free.wait(timeout: .now() + .seconds(seconds)) == .success
    }

    private static func lastHolder(_ path: String) -> Int32? {
        do {
            let bytes = try SystemFile.read(path, limit: 64, privately: false)
            return bytes.flatMap { Int32(String(decoding: $0.prefix { $0 != 0x0A }, as: UTF8.self)) }
        } catch {
            return nil  // The lock itself says that it is held; the pid is only for the message.
        }
    }
}
