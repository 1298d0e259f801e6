import AdapterKit
import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Requests as they came, for whoever wants to see more than the summary: files of their own, for some days and up to
/// some size in all.
///
/// The message itself is the router's and does not depend on them: a file that a crash or a full disk loses is told as
/// gone, and its message is as it was.
final class HookOriginals: Sendable {
    /// Sweeps run when so much was written since the last one, and once in an hour.
    private static let sweepBytes: Int64 = 8 << 20

    private struct State {
        var writtenSinceSweep: Int64 = 0
        var isSweeping = false
    }

    private let folder: String
    private let days: Int64
    private let limit: Int64
    private let log: Logger
    private let state = Mutex(State())

    /// - Parameters:
    ///   - days: zero keeps nothing.
    ///   - limit: bytes of all files.
    init(folder: String, days: Int64, limit: Int64, log: Logger) {
        self.folder = folder
        self.days = days
        self.limit = limit
        self.log = log
    }

    /// Makes the folder and removes what is too old.
    func open() throws(HomeError) {
        guard days > 0 else { return }
        try PrivateFolder.make(folder)
        sweep()
    }

    /// Keeps a request under its event's name; the same again changes nothing.
    /// - Returns: how the event names it; `nil` when nothing is kept.
    func keep(_ bytes: [UInt8], isJSON: Bool, for event: String) -> Attachment? {
        guard days > 0, !bytes.isEmpty else { return nil }
        let id = HookSummary.digest([event])
        let attachment = Attachment(
            id: id, name: isJSON ? "request.json" : "request.txt",
            mediaType: isJSON ? "application/json" : "text/plain", size: Int64(bytes.count))
        let file = openForWriting("\(folder)/\(id)")
        guard file >= 0 else {
            if errno == EEXIST { return attachment }
            log.warning("a request could not be kept", metadata: ["errno": "\(errno)"])
            return nil
        }
        defer { close(file) }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                log.warning("a request could not be kept", metadata: ["errno": "\(errno)"])
                unlink("\(folder)/\(id)")
                return nil
            }
            rest = rest.dropFirst(count)
        }
        let isDue = state.withLock { state in
            state.writtenSinceSweep += Self.size(of: Int64(bytes.count))
            return state.writtenSinceSweep >= min(Self.sweepBytes, limit / 4)
        }
        if isDue { sweep() }
        return attachment
    }

    /// The event was not taken: nothing of it stays.
    func forget(_ event: String) { unlink("\(folder)/\(HookSummary.digest([event]))") }

    /// - Returns: where a request lies; `nil` for what is not a name of ours or not there any more.
    func path(of id: String) -> String? {
        guard Self.isName(id), access("\(folder)/\(id)", R_OK) == 0 else { return nil }
        return "\(folder)/\(id)"
    }

    private static func isName(_ text: String) -> Bool {
        text.utf8.count == 32 && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }

    private func openForWriting(_ path: String) -> Int32 {
        #if canImport(Darwin)
            Darwin.open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        #else
            Glibc.open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        #endif
    }

    /// A file takes whole blocks of its disk.
    private static func size(of bytes: Int64) -> Int64 { (bytes + 4095) / 4096 * 4096 }

    // MARK: Retention

    /// Removes what is too old, then the oldest of what is too much. One at a time.
    func sweep() {
        let isFree = state.withLock { state in
            guard !state.isSweeping else { return false }
            state.isSweeping = true
            state.writtenSinceSweep = 0
            return true
        }
        guard isFree else { return }
        defer { state.withLock { $0.isSweeping = false } }
        let oldest = SystemClock.milliseconds / 1000 - days * 86_400
        var kept: [(name: String, changed: Int64, size: Int64)] = []
        for name in names() {
            var facts = stat()
            guard lstat("\(folder)/\(name)", &facts) == 0 else { continue }
            #if canImport(Darwin)
                let changed = Int64(facts.st_mtimespec.tv_sec)
            #else
                let changed = Int64(facts.st_mtim.tv_sec)
            #endif
            if changed < oldest {
                unlink("\(folder)/\(name)")
            } else {
                kept.append((name, changed, Self.size(of: Int64(facts.st_size))))
            }
        }
        var total = kept.reduce(0) { $0 + $1.size }
        guard total > limit else { return }
        for file in kept.sorted(by: { ($0.changed, $0.name) < ($1.changed, $1.name) }) {
            guard total > limit else { return }
            unlink("\(folder)/\(file.name)")
            total -= file.size
        }
    }

    private func names() -> [String] {
        guard let directory = opendir(folder) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if Self.isName(name) { names.append(name) }
        }
        return names
    }
}
