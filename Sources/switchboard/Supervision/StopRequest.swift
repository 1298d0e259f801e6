#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Asks another process to stop.
enum StopRequest {
    static func send(to pid: Int32) -> Bool { pid > 1 && kill(pid, SIGTERM) == 0 }
}

/// Asks a running `switchboard up` to read the configuration again and to start what is new in it.
enum ReloadRequest {
    /// SIGHUP is what a terminal says when it goes away, which stops `up` as ever.
    static let signal = SIGUSR1

    static func send(to pid: Int32) -> Bool { pid > 1 && kill(pid, signal) == 0 }
}
