import Dispatch
import OperatingConfiguration
import OperatingHome

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Looks once a minute whether the administrator's policy is another one: it must not need the user's help to hold.
enum PolicyWatch {
    private static let interval = DispatchTimeInterval.seconds(60)

    static func start(onChange reload: @escaping @Sendable () -> Void) throws {
        let bell = DispatchSemaphore(value: 0)
        let first = stamp()
        try SystemThread.start("policy") {
            var known = first
            while true {
                // Nobody rings: it is the time that passes.
                _ = bell.wait(timeout: .now() + interval)
                let now = stamp()
                if now != known { reload() }
                known = now
            }
        }
    }

    /// What tells one version of the file from another; `nil` where there is none.
    private static func stamp() -> [Int64]? {
        var status = stat()
        guard stat(ManagedPolicy.systemFile, &status) == 0 else { return nil }
        #if canImport(Darwin)
            let time = status.st_mtimespec
        #else
            let time = status.st_mtim
        #endif
        return [Int64(status.st_ino), Int64(time.tv_sec), Int64(time.tv_nsec), Int64(status.st_size)]
    }
}

/// The router does not start.
struct SwitchedOff: Error, CustomStringConvertible {
    let file: String

    var description: String { "Switchboard is switched off on this machine by \(file): ask its administrator" }
}
