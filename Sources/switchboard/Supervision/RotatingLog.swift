import OperatingHome
import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A log file that does not grow without end: past ``limit`` it becomes `.1`, what was `.1` becomes `.2`, and so on.
final class RotatingLog: Sendable {
    /// Bytes of one file.
    static let limit = 10 << 20
    /// Old files that are kept.
    static let kept = 3

    let path: String
    private struct State {
        var file: Int32 = -1
        var size = 0
    }
    private let state: Mutex<State>

    init(_ path: String) throws(HomeError) {
        self.path = path
        state = Mutex(State())
        let code = state.withLock { Self.open(path, &$0) }
        guard code == 0 else {
            throw HomeError(.file, "cannot write the log \(path): \(String(cString: strerror(code)))", path: path)
        }
    }

    deinit { state.withLock { if $0.file >= 0 { close($0.file) } } }

    /// Writes whole lines. A full disk loses them: a log is no reason to stop what it logs.
    func write(_ lines: [UInt8]) {
        state.withLock { state in
            if state.size > 0 && state.size + lines.count > Self.limit { rotate(&state) }
            guard state.file >= 0 else { return }
            if Terminal.write(lines, to: state.file) { state.size += lines.count }
        }
    }

    /// The descriptor, for the standard output of a process that logs into this file itself.
    func withDescriptor(_ body: (Int32) -> Void) { state.withLock { body($0.file) } }

    private func rotate(_ state: inout State) {
        for number in stride(from: Self.kept - 1, through: 1, by: -1) {
            rename("\(path).\(number)", "\(path).\(number + 1)")
        }
        rename(path, "\(path).1")
        close(state.file)
        _ = Self.open(path, &state)
    }

    private static func open(_ path: String, _ state: inout State) -> Int32 {
        #if canImport(Darwin)
            state.file = Darwin.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        #else
            state.file = Glibc.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        #endif
        guard state.file >= 0 else { return errno }
        state.size = Int(max(0, lseek(state.file, 0, SEEK_END)))
        return 0
    }
}
