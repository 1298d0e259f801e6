import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Ends a `poll(2)` from another thread or from a signal handler: a pipe with one byte per reason.
public final class WakePipe: Sendable {
    let readEnd: Int32
    private let writeEnd: Int32

    /// `nil` when the process has no descriptors left.
    public init?() {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { return nil }
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            // A full pipe is awake already; a handler must not wait for it.
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        readEnd = ends[0]
        writeEnd = ends[1]
    }

    deinit {
        if Self.signalled.load(ordering: .relaxed) == writeEnd { Self.signalled.store(-1, ordering: .relaxed) }
        close(readEnd)
        close(writeEnd)
    }

    public func wake() {
        var byte: UInt8 = 0
        _ = Self.write(writeEnd, &byte)
    }

    /// From now on these signals end the poll and are named by ``drain()``; `SIGPIPE` is ignored. One pipe per process.
    public func receiveSignals(_ numbers: [Int32]) {
        Self.signalled.store(writeEnd, ordering: .relaxed)
        signal(SIGPIPE, SIG_IGN)
        for number in numbers {
            signal(number) { number in
                // Async-signal-safe: one atomic load and one write(2); errno is put back.
                let saved = errno
                let end = WakePipe.signalled.load(ordering: .relaxed)
                var byte = UInt8(truncatingIfNeeded: number)
                if end >= 0 { _ = WakePipe.write(end, &byte) }
                errno = saved
            }
        }
    }

    /// Empties the pipe.
    /// - Returns: the last signal that came, if one did.
    func drain() -> Int32? {
        var bytes = [UInt8](repeating: 0, count: 64)
        var received: Int32?
        while true {
            let count = read(readEnd, &bytes, bytes.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return received }
            if let number = bytes[..<count].last(where: { $0 != 0 }) { received = Int32(number) }
        }
    }

    private static let signalled = Atomic<Int32>(-1)

    private static func write(_ end: Int32, _ byte: inout UInt8) -> Int {
        #if canImport(Darwin)
            Darwin.write(end, &byte, 1)
        #else
            Glibc.write(end, &byte, 1)
        #endif
    }
}
