#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Asks another process to stop.
enum StopRequest {
    static func send(to pid: Int32) -> Bool { pid > 1 && kill(pid, SIGTERM) == 0 }
}
