#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A file that only the machine's administrator can have written.
public enum AdministratorFile {
    /// The whole file; `nil` when there is none.
    /// - Throws: ``HomeError`` when it cannot be read, or when it or its folder is not the administrator's alone: what
    ///   anybody could have written there is neither followed nor passed over.
    public static func read(_ path: String, limit: Int) throws(HomeError) -> [UInt8]? {
        var status = stat()
        guard stat(path, &status) == 0 else {
            let code = errno
            if code == ENOENT || code == ENOTDIR { return nil }
            throw .system("look at", path, errno: code)
        }
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "/"
        var parent = stat()
        guard stat(folder.isEmpty ? "/" : folder, &parent) == 0 else {
            throw .system("look at", folder, errno: errno)
        }
        for (entry, name) in [(parent, folder), (status, path)] {
            guard entry.st_uid == 0, entry.st_mode & 0o022 == 0 else {
                throw HomeError(
                    .exposed,
                    "\(name) must belong to root and be writable by nobody else; run: sudo chown root '\(name)' "
                        + "&& sudo chmod go-w '\(name)'", path: name)
            }
        }
        return try SystemFile.read(path, limit: limit, privately: false)
    }
}
