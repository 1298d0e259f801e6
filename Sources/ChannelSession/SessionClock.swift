#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The time as a session sees it; tests bring their own.
public struct SessionClock: Sendable {
    /// Milliseconds of a clock that never jumps, for durations.
    public var monotonic: @Sendable () -> Int64
    /// Milliseconds since 1970, for reading.
    public var wall: @Sendable () -> Int64

    public init(monotonic: @escaping @Sendable () -> Int64, wall: @escaping @Sendable () -> Int64) {
        self.monotonic = monotonic
        self.wall = wall
    }

    public static let system = SessionClock(
        monotonic: { milliseconds(CLOCK_MONOTONIC) }, wall: { milliseconds(CLOCK_REALTIME) })

    func now() -> SessionCore.Now { SessionCore.Now(monotonic: monotonic(), wall: wall()) }

    private static func milliseconds(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}
