public import ChannelEvents

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Where the router finds the keys by which adapters claim their sources.
public struct SourceKeys: Sendable {
    private let read: @Sendable (SourceName) -> String?

    /// - Parameter read: gives the key of a source, or `nil` when none was ever made.
    public init(_ read: @escaping @Sendable (SourceName) -> String?) {
        self.read = read
    }

    func key(of source: SourceName) -> String? { read(source) }
}

/// Other processes of this machine.
enum Process {
    /// Whether a process with this pid exists; a process of another user exists too.
    static func isRunning(_ pid: Int64) -> Bool {
        guard pid > 0, let pid = pid_t(exactly: pid) else { return false }
        return kill(pid, 0) == 0 || errno == EPERM
    }
}
