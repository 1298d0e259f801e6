/// How long a process that ended waits for its next start: doubling from 1 s to 30 s, from the beginning again once it
/// ran for a minute. Pure; times in milliseconds.
struct RestartPolicy: Hashable, Sendable {
    static let shortest: Int64 = 1_000
    static let longest: Int64 = 30_000
    static let steady: Int64 = 60_000

    private(set) var failures = 0

    /// The process ended after so long.
    /// - Returns: the pause before its next start.
    mutating func ended(after uptime: Int64) -> Int64 {
        if uptime >= Self.steady { failures = 0 }
        let pause = min(Self.longest, Self.shortest << Int64(min(failures, 5)))
        failures += 1
        return pause
    }
}
