public import OperatingHome

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A folder of a test's own, removed when nobody holds it any more.
public final class TemporaryFolder: Sendable {
    public let path: String

    public init() throws(HomeError) {
        path = "/tmp/switchboard-test-\(RandomBytes.hexadecimal(count: 6))"
        guard mkdir(path, 0o700) == 0 else {
            throw HomeError(.file, "cannot make \(path): \(String(cString: strerror(errno)))", path: path)
        }
    }

    deinit { Self.remove(path) }

    private static func remove(_ path: String) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        if status.st_mode & S_IFMT == S_IFDIR, let entries = opendir(path) {
            while let entry = readdir(entries) {
                let name = withUnsafeBytes(of: entry.pointee.d_name) {
                    String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
                }
                if name != ".", name != ".." { remove("\(path)/\(name)") }
            }
            closedir(entries)
        }
        _ = Self.erase(path)
    }

    private static func erase(_ path: String) -> Int32 {
        #if canImport(Darwin)
            Darwin.remove(path)
        #else
            Glibc.remove(path)
        #endif
    }
}
