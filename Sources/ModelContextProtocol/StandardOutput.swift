#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Standard output as the protocol's own: nothing but its lines may come out there.
public enum StandardOutput {
    /// Moves standard output to a descriptor of its own and points descriptor 1 at standard error, so that a stray
    /// `print`, here or in a library, lands in the log. Call it first thing in `main`.
    /// - Returns: the descriptor that leads to the client, or `nil` when standard output is closed.
    public static func take() -> Int32? {
        let own = fcntl(1, F_DUPFD_CLOEXEC, 3)
        guard own >= 0 else { return nil }
        if dup2(2, 1) < 0 {
            let null = open("/dev/null", O_WRONLY)
            if null >= 0 {
                dup2(null, 1)
                if null != 1 { close(null) }
            }
        }
        return own
    }
}
