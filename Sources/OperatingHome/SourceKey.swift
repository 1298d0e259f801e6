/// The key by which an adapter proves the name of its source: 32 random bytes as 64 hexadecimal digits.
///
/// It keeps two programs of the same user from taking one name by accident, and stands in a file that only the user
/// can read. `switchboard up` hands it to adapters in `SWITCHBOARD_SOURCE_KEY`.
public enum SourceKey {
    /// The source's key; made when there is none. Two processes that make it at once get the same.
    public static func load(_ source: String, places: Places) throws(HomeError) -> String {
        let path = places.sourceKeyFile(source)
        if let key = try read(path) { return key }
        _ = try SystemFile.createPrivate(path, Array((RandomBytes.hexadecimal(count: 32) + "\n").utf8))
        guard let key = try read(path) else {
            throw HomeError(.file, "the key \(path) disappeared while it was made", path: path)
        }
        return key
    }

    /// The source's key; `nil` when none was made yet.
    public static func existing(_ source: String, places: Places) throws(HomeError) -> String? {
        try read(places.sourceKeyFile(source))
    }

    private static func read(_ path: String) throws(HomeError) -> String? {
        guard let bytes = try SystemFile.read(path, limit: 256, privately: true) else { return nil }
        let key = String(decoding: bytes.prefix { $0 != 0x0A }, as: UTF8.self)
        let isDigit: (UInt8) -> Bool = { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
        guard key.utf8.count == 64, key.utf8.allSatisfy(isDigit) else {
            throw HomeError(.malformed, "\(path) is not a source key; remove it, a new one is made", path: path)
        }
        return key
    }
}
