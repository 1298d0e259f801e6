#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A file that leaves this machine in a reply: opened once, checked by what was opened, read from there.
///
/// The path is only followed once. Everything after that asks the open file, so that a link that is turned while the
/// checks run changes nothing. Refused is what is no regular file and what belongs to Switchboard itself (secrets,
/// configuration, database, keys, logs), reached by whatever path, symbolic or hard link; the files that it received
/// may go out again.
public struct OutgoingFile: ~Copyable, Sendable {
    /// Where the file lies, links resolved, as the system says of the open file.
    public let path: String
    /// In bytes, when it was opened.
    public let size: Int64
    private let file: Int32
    private let opened: Version

    /// - Parameters:
    ///   - path: absolute; a relative one would mean the folder of whoever happens to read it.
    ///   - limit: bytes; a longer file is refused.
    /// - Throws: ``HomeError`` with `refusedFile` and what to send instead, or `file` when the system refuses.
    public init(_ path: String, places: Places, limit: Int64) throws(HomeError) {
        guard path.hasPrefix("/"), !path.utf8.contains(0) else {
            throw HomeError(.refusedFile, "\(path) is no absolute path; give the whole path of the file", path: path)
        }
        // Without O_NONBLOCK, opening a pipe would wait for its writer, for ever.
        let file = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
        guard file >= 0 else { throw .system("read", path, errno: errno) }
        do {
            (self.path, opened) = try Self.check(file, path, places, limit)
        } catch {
            close(file)
            throw error
        }
        self.file = file
        size = opened.size
    }

    deinit { close(file) }

    /// The bytes from `offset` on, fewer than `count` only at the end of the file.
    /// - Throws: ``HomeError`` with `refusedFile` when the file was changed since it was opened: what was sent before
    ///   and what would come now are not one file.
    public borrowing func bytes(from offset: Int64, count: Int) throws(HomeError) -> [UInt8] {
        guard offset >= 0, offset < size, count > 0 else { return [] }
        let wanted = Int(min(Int64(count), size - offset))
        let bytes = try SystemFile.read(file, from: offset, count: wanted, path)
        guard bytes.count == wanted, try Version(of: file, path).isSameContent(as: opened) else {
            throw HomeError(
                .refusedFile, "\(path) changed while it was sent; send it again when it is done", path: path)
        }
        return bytes
    }

    // MARK: what was opened

    private struct Version {
        let device: UInt64
        let node: UInt64
        let mode: mode_t
        let links: UInt64
        let size: Int64
        let modified: timespec

        init(_ status: stat) {
            device = UInt64(truncatingIfNeeded: status.st_dev)
            node = UInt64(truncatingIfNeeded: status.st_ino)
            mode = status.st_mode
            links = UInt64(truncatingIfNeeded: status.st_nlink)
            size = Int64(status.st_size)
            #if canImport(Darwin)
                modified = status.st_mtimespec
            #else
                modified = status.st_mtim
            #endif
        }

        init(of file: Int32, _ path: String) throws(HomeError) {
            var status = stat()
            guard fstat(file, &status) == 0 else { throw .system("look at", path, errno: errno) }
            self.init(status)
        }

        func isSameFile(as other: Version) -> Bool { device == other.device && node == other.node }

        /// Not the change time: a new link or mode alters it, and the bytes are still the same.
        func isSameContent(as other: Version) -> Bool {
            size == other.size && modified.tv_sec == other.modified.tv_sec && modified.tv_nsec == other.modified.tv_nsec
        }
    }

    private static func check(
        _ file: Int32, _ asked: String, _ places: Places, _ limit: Int64
    ) throws(HomeError) -> (String, Version) {
        let version = try Version(of: file, asked)
        guard version.mode & S_IFMT == S_IFREG else {
            throw HomeError(.refusedFile, "\(asked) is no regular file; pack a folder into an archive", path: asked)
        }
        guard version.links > 0 else {
            throw HomeError(.refusedFile, "\(asked) was deleted while it was opened", path: asked)
        }
        guard version.size <= limit else {
            throw HomeError(.refusedFile, "\(asked) has \(version.size) bytes, the limit is \(limit)", path: asked)
        }
        let real = try openPath(file, asked)
        let inbox = Places.canonical(places.files)
        var isOurs = false
        for root in places.own.map(Places.canonical) where isBelow(real, root) && !isBelow(real, inbox) {
            isOurs = true
        }
        if !isOurs, version.links > 1 {
            for root in places.own.map(Places.canonical) where !isOurs {
                isOurs = try holds(root, version, except: inbox, depth: 0)
            }
        }
        guard !isOurs else {
            throw HomeError(
                .refusedFile, "\(asked) belongs to Switchboard itself and is not sent; only received files are",
                path: asked)
        }
        return (real, version)
    }

    private static func isBelow(_ path: String, _ folder: String) -> Bool {
        path.utf8.starts(with: (folder + "/").utf8)
    }

    /// The path of an open file, as the system knows it now.
    private static func openPath(_ file: Int32, _ asked: String) throws(HomeError) -> String {
        #if canImport(Darwin)
            var buffer = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
            guard fcntl(file, F_GETPATH, &buffer) == 0 else { throw .system("find", asked, errno: errno) }
            let bytes = buffer.prefix { $0 != 0 }
        #else
            var buffer = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
            let count = readlink("/proc/self/fd/\(file)", &buffer, buffer.count)
            guard count > 0, count < buffer.count else { throw .system("find", asked, errno: errno) }
            let bytes = buffer.prefix(count)
        #endif
        return String(decoding: bytes.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Whether a file of this identity lies below a folder. Only asked of files with several hard links.
    private static func holds(
        _ folder: String, _ wanted: Version, except inbox: String, depth: Int
    ) throws(HomeError) -> Bool {
        guard depth < 16, folder != inbox else { return false }
        guard let handle = opendir(folder) else {
            let code = errno
            if code == ENOENT || code == ENOTDIR { return false }
            throw .system("look into", folder, errno: code)
        }
        defer { closedir(handle) }
        while let entry = readdir(handle) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name == "." || name == ".." { continue }
            var status = stat()
            // A file that just went away is not the one that is open.
            guard lstat("\(folder)/\(name)", &status) == 0 else { continue }
            let version = Version(status)
            if version.isSameFile(as: wanted) { return true }
            if version.mode & S_IFMT == S_IFDIR,
                try holds("\(folder)/\(name)", wanted, except: inbox, depth: depth + 1)
            {
                return true
            }
        }
        return false
    }
}

extension Places {
    /// Holds the files that came with messages; the only place of Switchboard's own that may be sent from.
    public var files: String { state + "/files" }

    /// Every folder that is Switchboard's own.
    var own: [String] { [configuration, state, run, logs, sockets] }
}
