import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Where lines go: one descriptor, whole lines, and never a wait that stops the work.
///
/// Queue `log`: the pipe of standard error. When nobody reads it for ``patience``, lines are dropped and counted, and
/// the next line that goes through is preceded by their number.
final class LogOutput: Sendable {
    static let standardError = LogOutput(file: 2)
    /// Milliseconds that the first line waits for a full pipe; those after it do not wait at all.
    static let patience: Int32 = 100
    /// Bytes of one line; what `poll` promises a writer of a pipe. Longer lines are cut.
    static let lineLimit = 4096

    private let file: Int32
    private let dropped = Mutex(0)

    init(file: Int32) { self.file = file }

    func write(_ line: String) {
        dropped.withLock { dropped in
            guard isWritable(patience: dropped == 0 ? Self.patience : 0) else {
                dropped += 1
                return
            }
            if dropped > 0 {
                put("switchboard: \(dropped) log lines were dropped because nobody read them")
                dropped = 0
            }
            put(line)
        }
    }

    static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    private func isWritable(patience: Int32) -> Bool {
        var watched = pollfd(fd: file, events: Int16(POLLOUT), revents: 0)
        while true {
            let count = poll(&watched, 1, patience)
            if count < 0 && errno == EINTR { continue }
            return count == 1 && watched.revents & Int16(POLLOUT) != 0
        }
    }

    private func put(_ line: String) {
        var bytes = Array(line.utf8.prefix(Self.lineLimit - 1))
        // A cut in the middle of a character would make the line invalid.
        if bytes.count < line.utf8.count {
            while let last = bytes.last, last & 0xC0 == 0x80 { bytes.removeLast() }
            if let last = bytes.last, last >= 0xC0 { bytes.removeLast() }
        }
        bytes.append(0x0A)
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { buffer in
                #if canImport(Darwin)
                    Darwin.write(file, buffer.baseAddress, buffer.count)
                #else
                    Glibc.write(file, buffer.baseAddress, buffer.count)
                #endif
            }
            if count < 0 && errno == EINTR { continue }
            // A log that cannot be written has nowhere to say so.
            if count <= 0 { return }
            rest = rest.dropFirst(count)
        }
    }
}
