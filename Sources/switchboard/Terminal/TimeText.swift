import ChannelEvents

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Times for people.
enum TimeText {
    /// Milliseconds since 1970.
    static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    /// Milliseconds of a clock that never jumps; only differences mean something.
    static func monotonic() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    /// How long ago, in its largest unit: `5s`, `12m`, `3h`, `4d`.
    static func age(since milliseconds: Int64?, now: Int64 = now()) -> String {
        guard let milliseconds, milliseconds > 0 else { return "-" }
        let seconds = max(0, now - milliseconds) / 1000
        switch seconds {
        case ..<60: return "\(seconds)s"
        case ..<3600: return "\(seconds / 60)m"
        case ..<86_400: return "\(seconds / 3600)h"
        default: return "\(seconds / 86_400)d"
        }
    }

    /// `2026-11-23 14:04:24` in UTC.
    static func stamp(_ milliseconds: Int64) -> String {
        String(Timestamp.text(milliseconds: milliseconds).prefix(19)).split(separator: "T").joined(separator: " ")
    }

    static func bytes(_ count: Int64) -> String {
        switch count {
        case ..<10_000: "\(count) B"
        case ..<10_000_000: "\(count / 1000) kB"
        case ..<10_000_000_000: "\(count / 1_000_000) MB"
        default: "\(count / 1_000_000_000) GB"
        }
    }
}
