#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// This machine's time of day, for quiet hours.
enum LocalTime {
    /// Minutes since midnight, summer time and all.
    static func minuteOfDay(_ milliseconds: Int64) -> Int {
        var seconds = time_t(milliseconds / 1000)
        var parts = tm()
        guard localtime_r(&seconds, &parts) != nil else { return 0 }
        return Int(parts.tm_hour) * 60 + Int(parts.tm_min)
    }
}
