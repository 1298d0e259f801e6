#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A private file that is being written: under a name of its own until it is whole, gone when it never is.
public struct PrivateDraft: ~Copyable, Sendable {
    public let path: String
    /// Bytes written so far.
    public private(set) var size: Int64 = 0
    private let file: Int32
    private var isKept = false

    /// Makes the file (0600), anew when one of that name was left behind.
    /// - Throws: ``HomeError`` with `file`.
    public init(_ path: String) throws(HomeError) {
        if unlink(path) != 0, errno != ENOENT { throw .system("remove", path, errno: errno) }
        let file = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw .system("create", path, errno: errno) }
        self.file = file
        self.path = path
    }

    deinit {
        close(file)
        if !isKept { unlink(path) }
    }

    /// - Throws: ``HomeError`` with `file`, such as when the disk is full.
    public mutating func append(_ bytes: [UInt8]) throws(HomeError) {
        try SystemFile.write(file, bytes, path)
        size += Int64(bytes.count)
    }

    /// Throws away what was written so far.
    public mutating func restart() throws(HomeError) {
        guard ftruncate(file, 0) == 0, lseek(file, 0, Int32(SEEK_SET)) == 0 else {
            throw .system("empty", path, errno: errno)
        }
        size = 0
    }

    /// On the disk and under its final name when this returns.
    public consuming func keep(as final: String) throws(HomeError) {
        guard fsync(file) == 0 else { throw .system("write", path, errno: errno) }
        guard rename(path, final) == 0 else { throw .system("rename", path, errno: errno) }
        isKept = true
    }
}

/// A file's bytes by place, for whoever gives them out piece by piece.
public struct StoredBytes: ~Copyable, Sendable {
    public let size: Int64
    /// The same for the same file as long as nobody changes it.
    public let version: String
    private let file: Int32
    private let path: String

    /// - Returns: `nil` when there is no such file.
    /// - Throws: ``HomeError`` with `file` when it cannot be read, `refusedFile` when it is no regular file.
    public static func open(_ path: String) throws(HomeError) -> StoredBytes? {
        let file = systemOpen(path)
        guard file >= 0 else {
            let code = errno
            if code == ENOENT { return nil }
            throw .system("read", path, errno: code)
        }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(file)
            throw HomeError(.refusedFile, "\(path) is no regular file", path: path)
        }
        #if canImport(Darwin)
            let modified = status.st_mtimespec
        #else
            let modified = status.st_mtim
        #endif
        return StoredBytes(
            file: file, size: Int64(status.st_size),
            version: "\(status.st_ino)-\(status.st_size)-\(modified.tv_sec)-\(modified.tv_nsec)", path: path)
    }

    private init(file: Int32, size: Int64, version: String, path: String) {
        self.file = file
        self.size = size
        self.version = version
        self.path = path
    }

    deinit { close(file) }

    /// The bytes from `offset` on, fewer than `count` only at the end of the file.
    public borrowing func bytes(from offset: Int64, count: Int) throws(HomeError) -> [UInt8] {
        try SystemFile.read(file, from: offset, count: Int(min(Int64(count), max(0, size - offset))), path)
    }
}

private func systemOpen(_ path: String) -> Int32 { open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC) }
