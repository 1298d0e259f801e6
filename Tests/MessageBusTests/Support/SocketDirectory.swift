#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A directory of its own for a test's sockets, gone with it.
final class SocketDirectory: Sendable {
    let path: String

    init() {
        var template = Array("/tmp/sb-bus-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { preconditionFailure("no temporary directory") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        for name in ["router", "tap", "proxy"] { unlink("\(path)/\(name)") }
        rmdir(path)
    }

    var router: String { "\(path)/router" }
    var tap: String { "\(path)/tap" }
    var proxy: String { "\(path)/proxy" }
}
