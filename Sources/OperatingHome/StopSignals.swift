#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// SIGINT, SIGTERM and SIGHUP as calls on an ordinary thread, where everything may be done.
public enum StopSignals {
    /// The pipe from the handler, which may do nothing but write, to the thread. Made before a handler is set.
    private static let pipeEnds: (reading: Int32, writing: Int32)? = {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { return nil }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (ends[0], ends[1])
    }()

    /// Also has SIGPIPE ignored: a reader that went away is an error of the write, not the end of the process.
    /// - Parameters:
    ///   - more: signals to watch besides, which need not mean an end.
    ///   - onSignal: called with the number of each signal, one at a time.
    public static func watch(and more: [Int32] = [], onSignal: @escaping @Sendable (Int32) -> Void) throws(HomeError) {
        guard let ends = pipeEnds else { throw HomeError(.spawn, "cannot make a pipe: too many open files") }
        try SystemThread.start("signals") {
            var number: UInt8 = 0
            while true {
                let count = read(ends.reading, &number, 1)
                if count == 1 { onSignal(Int32(number)) }
                if count == 0 || (count < 0 && errno != EINTR) { return }
            }
        }
        for number in [SIGINT, SIGTERM, SIGHUP] + more { signal(number, StopSignals.handle) }
        signal(SIGPIPE, SIG_IGN)
    }

    private static let handle: @convention(c) (Int32) -> Void = { number in
        let saved = errno
        var byte = UInt8(truncatingIfNeeded: number)
        if let ends = StopSignals.pipeEnds { _ = write(ends.writing, &byte, 1) }
        errno = saved
    }
}
