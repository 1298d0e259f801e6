#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The child's side of a lifeline: a pipe whose other end only its supervisor holds. When the supervisor ends, however
/// it ends, the pipe does, and so does the child.
public enum Lifeline {
    /// The variable with the number of the pipe's descriptor.
    public static let variable = "SWITCHBOARD_LIFELINE"

    /// Watches the lifeline of this process. Call it first thing in `main`, before other threads run: it takes the
    /// variable out of the environment, so that no grandchild takes it for its own.
    /// - Parameter onCut: called once, on a thread of its own, when the supervisor is gone.
    /// - Returns: whether this process has a lifeline.
    @discardableResult
    public static func watch(onCut: @escaping @Sendable () -> Void) throws(HomeError) -> Bool {
        guard let text = ProcessEnvironment.value(variable) else { return false }
        unsetenv(variable)
        guard let file = Int32(text), file > 2 else {
            throw HomeError(.malformed, "\(variable) is not a descriptor's number; do not set it by hand")
        }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFIFO else {
            throw HomeError(.malformed, "\(variable) names no pipe; do not set it by hand")
        }
        _ = fcntl(file, F_SETFD, FD_CLOEXEC)
        try SystemThread.start("lifeline") {
            var byte: UInt8 = 0
            while true {
                let count = read(file, &byte, 1)
                if count > 0 || (count < 0 && errno == EINTR) { continue }
                break
            }
            onCut()
        }
        return true
    }
}
