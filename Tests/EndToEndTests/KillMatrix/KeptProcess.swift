import OperatingHome
import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A process that is started again as soon as it ends: a supervisor without pauses.
final class KeptProcess: Sendable {
    private struct State {
        var child: ChildProcess?
        var isKept = false
        /// How often it ended in which way when nobody killed it.
        var ends: [ExitStatus: Int] = [:]
        var failure: String?
    }

    private let state = Mutex(State())
    private let launch: @Sendable () throws -> ChildProcess

    init(_ launch: @escaping @Sendable () throws -> ChildProcess) { self.launch = launch }

    /// Statuses of ends that were no SIGKILL, and what kept it from starting.
    var ends: (statuses: [ExitStatus: Int], failure: String?) { state.withLock { ($0.ends, $0.failure) } }

    func start() {
        state.withLock { $0.isKept = true }
        launchOnce()
    }

    private func launchOnce() {
        let child = state.withLock { state -> ChildProcess? in
            guard state.isKept else { return nil }
            do { state.child = try launch() } catch {
                state.failure = "\(error)"
                return nil
            }
            return state.child
        }
        child?.onExit { [self] status in
            if status != .signalled(SIGKILL) { state.withLock { $0.ends[status, default: 0] += 1 } }
            launchOnce()
        }
    }

    /// The next one starts by itself.
    func kill() { state.withLock { $0.child }?.signal(SIGKILL) }

    /// Ends it for good; returns when it has.
    func stop(_ signal: Int32) async {
        let child = state.withLock { state in
            state.isKept = false
            return state.child
        }
        child?.signal(signal)
        _ = await child?.exit()
    }
}
