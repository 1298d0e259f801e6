/// Files that fit into memory many times over: configuration, pid files, keys.
public enum SmallFile {
    /// The whole file; `nil` when there is none.
    /// - Parameter limit: bytes; a longer file is an error.
    public static func read(_ path: String, limit: Int) throws(HomeError) -> [UInt8]? {
        try SystemFile.read(path, limit: limit, privately: false)
    }
}
