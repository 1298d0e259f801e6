#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A folder that only the user can enter.
public enum PrivateFolder {
    /// Makes the folder (0700) and what is missing above it, or checks the one that is there.
    /// - Throws: ``HomeError`` when it is not a folder, is not the user's, or is open to others.
    /// - Parameter readable: whether others may look into it, as into a folder that the user made for the configuration;
    ///   they may never write.
    public static func make(_ path: String, readable: Bool = false) throws(HomeError) {
        if mkdir(path, 0o700) != 0 {
            let code = errno
            switch code {
            case EEXIST: break
            case ENOENT:
                guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
                    throw .system("make the folder", path, errno: code)
                }
                try makeAbove(String(path[..<slash]))
                guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
                    throw .system("make the folder", path, errno: errno)
                }
            default:
                throw .system(
                    "make the folder", path, mend: "set SWITCHBOARD_HOME to a folder that you can write to", errno: code
                )
            }
        }
        try check(path, forbidden: readable ? 0o022 : 0o077)
    }

    private static func makeAbove(_ path: String) throws(HomeError) {
        if mkdir(path, 0o700) == 0 || errno == EEXIST { return }
        let code = errno
        guard code == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
            throw .system(
                "make the folder", path, mend: "set SWITCHBOARD_HOME to a folder that you can write to", errno: code)
        }
        try makeAbove(String(path[..<slash]))
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw .system("make the folder", path, errno: errno) }
    }

    private static func check(_ path: String, forbidden: mode_t) throws(HomeError) {
        var status = stat()
        // lstat: a link planted in a shared folder such as /tmp must not be followed.
        guard lstat(path, &status) == 0 else { throw .system("look at", path, errno: errno) }
        if status.st_mode & S_IFMT == S_IFLNK, !path.hasPrefix("/tmp/") {
            guard stat(path, &status) == 0 else { throw .system("look at", path, errno: errno) }
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw HomeError(.file, "\(path) is in the way and not a folder; move it away", path: path)
        }
        guard status.st_uid == geteuid() else {
            throw HomeError(
                .exposed, "\(path) belongs to another user; set SWITCHBOARD_HOME to a folder of your own", path: path)
        }
        guard status.st_mode & forbidden == 0 else {
            throw HomeError(.exposed, "\(path) is open to others; run: chmod 700 '\(path)'", path: path)
        }
    }
}
