#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Files that only the user can read.
public enum PrivateFile {
    /// Replaces a file's contents, all or nothing. A link is followed, so that a file kept elsewhere stays there.
    public static func replace(_ path: String, _ bytes: [UInt8]) throws(HomeError) {
        let target = realpath(path, nil).map { resolved in
            defer { free(resolved) }
            return String(cString: resolved)
        }
        let place = target ?? path
        let draft = "\(place).\(getpid()).\(RandomBytes.hexadecimal(count: 4))"
        let file = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw .system("create", draft, errno: errno) }
        defer { close(file) }
        do throws(HomeError) {
            try SystemFile.write(file, bytes, draft)
            guard fsync(file) == 0 else { throw .system("store", draft, errno: errno) }
            guard rename(draft, place) == 0 else { throw .system("replace", place, errno: errno) }
        } catch {
            unlink(draft)
            throw error
        }
    }
}
