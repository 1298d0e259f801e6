/// A token that a local program proves itself with: 32 random bytes as 64 hexadecimal digits, in a file that only the
/// user can read.
public enum PrivateToken {
    /// The token in a file; made when there is none. Two processes that make it at once get the same.
    /// - Throws: ``HomeError`` when the file cannot be used, or others can read it.
    public static func load(_ path: String) throws(HomeError) -> String {
        if let token = try read(path) { return token }
        _ = try SystemFile.createPrivate(path, Array((RandomBytes.hexadecimal(count: 32) + "\n").utf8))
        guard let token = try read(path) else {
            throw HomeError(.file, "the token \(path) disappeared while it was made", path: path)
        }
        return token
    }

    private static func read(_ path: String) throws(HomeError) -> String? {
        guard let bytes = try SystemFile.read(path, limit: 256, privately: true) else { return nil }
        let token = String(decoding: bytes.prefix { $0 != 0x0A }, as: UTF8.self)
        guard token.utf8.count >= 32 else {
            throw HomeError(.malformed, "\(path) holds no token; remove it, a new one is made", path: path)
        }
        return token
    }
}
