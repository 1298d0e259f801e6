import OperatingHome

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// SIGTERM and SIGINT as a call on an ordinary thread. A program that the adapter starts gets the usual handling back.
enum StopSignals {
    /// The pipe from the handler, which may do nothing but write, to the thread. Made before a handler is set, so that
    /// the handler finds it made.
    private static let pipeEnds: (read: Int32, write: Int32)? = {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { return nil }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (ends[0], ends[1])
    }()

    /// - Parameter onStop: called with the signal's name for each that comes.
    static func watch(onStop: @escaping @Sendable (String) -> Void) throws(HomeError) {
        guard let ends = pipeEnds else { throw HomeError(.spawn, "cannot make a pipe: too many open files") }
        try SystemThread.start("signals") {
            var number: UInt8 = 0
            while true {
                let count = read(ends.read, &number, 1)
                if count == 1 { onStop(Int32(number) == SIGINT ? "SIGINT" : "SIGTERM") }
                if count == 0 || (count < 0 && errno != EINTR) { return }
            }
        }
        for number in [SIGTERM, SIGINT] { signal(number, StopSignals.handle) }
        // A reader that went away is an error of the write, not the end of the process.
        signal(SIGPIPE, SIG_IGN)
    }

    private static let handle: @convention(c) (Int32) -> Void = { number in
        let saved = errno
        var byte = UInt8(truncatingIfNeeded: number)
        if let ends = StopSignals.pipeEnds { _ = write(ends.write, &byte, 1) }
        errno = saved
    }
}
