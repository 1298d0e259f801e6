import OperatingHome

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The logs of a home, as `switchboard logs` finds and reads them.
enum LogFiles {
    struct File {
        let name: String
        let path: String
    }

    /// - Throws: ``CommandFailure`` when there is none, naming those there are.
    static func find(_ name: String?, in places: Places) throws -> [File] {
        let names = list(places.logs)
        guard !names.isEmpty else {
            throw CommandFailure("there are no logs in \(places.logs) yet; `switchboard up` writes them")
        }
        guard let name else { return names.map { File(name: $0, path: places.logFile($0)) } }
        guard names.contains(name) else {
            throw CommandFailure("there is no log of \(name); there are: \(names.joined(separator: ", "))")
        }
        return [File(name: name, path: places.logFile(name))]
    }

    /// The last lines of a file, from its last mebibyte.
    static func lastLines(_ path: String, _ count: Int) throws -> [String] {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw CommandFailure("cannot read \(path): \(String(cString: strerror(errno)))") }
        defer { close(file) }
        let size = lseek(file, 0, SEEK_END)
        let start = max(0, size - (1 << 20))
        var bytes = [UInt8](repeating: 0, count: Int(size - start))
        let length = bytes.count
        let got = pread(file, &bytes, length, start)
        guard got >= 0 else { throw CommandFailure("cannot read \(path): \(String(cString: strerror(errno)))") }
        var lines = bytes[..<got].split(separator: 0x0A, omittingEmptySubsequences: true)
        if start > 0, !lines.isEmpty { lines.removeFirst() }
        return lines.suffix(count).map { String(decoding: $0, as: UTF8.self) }
    }

    private static func list(_ folder: String) -> [String] {
        guard let handle = opendir(folder) else { return [] }
        defer { closedir(handle) }
        var names: [String] = []
        while let entry = readdir(handle) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name.hasSuffix(".log") { names.append(String(name.dropLast(4))) }
        }
        return names.sorted()
    }
}
