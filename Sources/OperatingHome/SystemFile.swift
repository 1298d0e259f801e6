#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The few file calls that private places need: whole small files, private modes, no partial contents.
enum SystemFile {
    /// Reads a whole file.
    /// - Parameter limit: bytes; a longer file is an error, so that nothing unbounded comes into memory.
    /// - Returns: `nil` when there is no such file.
    static func read(_ path: String, limit: Int, privately: Bool) throws(HomeError) -> [UInt8]? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else {
            let code = errno
            if code == ENOENT || code == ENOTDIR { return nil }
            throw .system("read", path, errno: code)
        }
        defer { close(file) }
        if privately { try requirePrivate(file, path) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = systemRead(file, &chunk)
            if count < 0 { throw .system("read", path, errno: errno) }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
            if bytes.count > limit {
                throw HomeError(.malformed, "\(path) is longer than \(limit) bytes", path: path)
            }
        }
    }

    /// Makes a file with contents, all or nothing, that only the user can read.
    /// - Returns: `false` when a file of that name is there already; it is left as it is.
    static func createPrivate(_ path: String, _ bytes: [UInt8]) throws(HomeError) -> Bool {
        let draft = "\(path).\(getpid()).\(RandomBytes.hexadecimal(count: 4))"
        let file = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw .system("create", draft, errno: errno) }
        defer {
            close(file)
            unlink(draft)
        }
        try write(file, bytes, draft)
        // A link, not a rename: of two processes that make the same file, one wins and both then read the same.
        if link(draft, path) == 0 { return true }
        let code = errno
        if code == EEXIST { return false }
        throw .system("create", path, errno: code)
    }

    static func write(_ file: Int32, _ bytes: [UInt8], _ path: String) throws(HomeError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { systemWrite(file, $0) }
            if count < 0 { throw .system("write", path, errno: errno) }
            rest = rest.dropFirst(count)
        }
    }

    /// So many bytes from a place on, fewer only when the file ends there.
    static func read(_ file: Int32, from offset: Int64, count: Int, _ path: String) throws(HomeError) -> [UInt8] {
        guard offset >= 0, count > 0 else { return [] }
        var bytes = [UInt8](repeating: 0, count: count)
        var have = 0
        while have < count {
            let read = bytes.withUnsafeMutableBytes { buffer in
                pread(file, buffer.baseAddress?.advanced(by: have), count - have, off_t(offset) + off_t(have))
            }
            if read < 0 {
                if errno == EINTR { continue }
                throw .system("read", path, errno: errno)
            }
            if read == 0 { break }
            have += read
        }
        bytes.removeLast(count - have)
        return bytes
    }

    private static func requirePrivate(_ file: Int32, _ path: String) throws(HomeError) {
        var status = stat()
        guard fstat(file, &status) == 0 else { throw .system("look at", path, errno: errno) }
        guard status.st_uid == geteuid() || status.st_uid == 0 else {
            throw HomeError(.exposed, "\(path) belongs to another user; make a file of your own", path: path)
        }
        guard status.st_mode & 0o077 == 0 else {
            throw HomeError(.exposed, "\(path) can be read by others; run: chmod 600 '\(path)'", path: path)
        }
    }

    private static func systemRead(_ file: Int32, _ chunk: inout [UInt8]) -> Int {
        while true {
            let count = chunk.withUnsafeMutableBytes { read_(file, $0) }
            if count >= 0 || errno != EINTR { return count }
        }
    }

    private static func read_(_ file: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
        #if canImport(Darwin)
            Darwin.read(file, buffer.baseAddress, buffer.count)
        #else
            Glibc.read(file, buffer.baseAddress, buffer.count)
        #endif
    }

    private static func systemWrite(_ file: Int32, _ buffer: UnsafeRawBufferPointer) -> Int {
        while true {
            #if canImport(Darwin)
                let count = Darwin.write(file, buffer.baseAddress, buffer.count)
            #else
                let count = Glibc.write(file, buffer.baseAddress, buffer.count)
            #endif
            if count >= 0 || errno != EINTR { return count }
        }
    }
}
