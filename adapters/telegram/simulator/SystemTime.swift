#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The time of day, for what people read.
enum SystemTime {
    /// Milliseconds since 1970.
    static var milliseconds: Int64 {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000
    }
}
