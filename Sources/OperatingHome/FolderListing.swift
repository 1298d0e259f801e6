#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// What lies in a folder.
public enum FolderListing {
    /// The names in it, in no order; nothing when there is no such folder.
    public static func names(_ folder: String) throws(HomeError) -> [String] {
        guard let handle = opendir(folder) else {
            let code = errno
            if code == ENOENT { return [] }
            throw .system("look into", folder, errno: code)
        }
        defer { closedir(handle) }
        var names: [String] = []
        while let entry = readdir(handle) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }
}
