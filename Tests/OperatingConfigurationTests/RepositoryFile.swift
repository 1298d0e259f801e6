import OperatingHome
import Testing

/// A file of the repository that a test reads.
enum RepositoryFile {
    static func text(_ path: String, of test: String = #filePath) throws -> String {
        let root = test.split(separator: "/").dropLast(3).joined(separator: "/")
        let bytes = try #require(try SmallFile.read("/\(root)/\(path)", limit: 4 << 20), "there is no \(path)")
        return String(decoding: bytes, as: UTF8.self)
    }
}
