import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A child process, from its start to its end. A thread of its own waits for it, so that it never stays a zombie.
public final class ChildProcess: Sendable {
    public let pid: Int32
    /// Ends of the pipes that ``ChildCommand`` asked for; whoever takes them closes them.
    public let input: Int32?
    public let output: Int32?
    public let errors: Int32?

    private struct State {
        var status: ExitStatus?
        var handlers: [@Sendable (ExitStatus) -> Void] = []
        /// The end that only we hold; the child ends when it is closed.
        var lifeline: Int32?
    }
    private let state: Mutex<State>

    private init(pid: Int32, pipes: ChildPipes) {
        self.pid = pid
        input = pipes.parentInput
        output = pipes.parentOutput
        errors = pipes.parentErrors
        state = Mutex(State(lifeline: pipes.parentLifeline))
    }

    /// One child starts at a time: a pipe of another's, open for an instant without close-on-exec, would leak into it,
    /// and a leaked lifeline keeps a child alive after its supervisor.
    private static let starting = Mutex(())

    #if canImport(Darwin)
        private static let newSession = Int32(POSIX_SPAWN_SETSID)
    #else
        /// `POSIX_SPAWN_SETSID` of glibc 2.26 and later, which Swift's Glibc does not show.
        private static let newSession: Int32 = 0x80
    #endif

    /// Starts a child.
    /// - Throws: ``HomeError`` with `spawn`, naming the program and the system's reason.
    public static func start(_ command: ChildCommand) throws(HomeError) -> ChildProcess {
        let (pid, pipes) = try starting.withLock { _ throws(HomeError) in
            var pipes = try ChildPipes(command)
            do throws(HomeError) {
                let pid = try spawn(command, pipes)
                pipes.closeChildEnds()
                return (pid, pipes)
            } catch {
                pipes.closeAll()
                throw error
            }
        }
        let child = ChildProcess(pid: pid, pipes: pipes)
        do throws(HomeError) {
            try SystemThread.start("child") { child.reap() }
        } catch {
            // Without a thread nobody would learn of its end: do not run it at all.
            kill(pid, SIGKILL)
            child.reap()
            throw error
        }
        return child
    }

    /// How it ended; `nil` while it runs.
    public var status: ExitStatus? { state.withLock { $0.status } }

    /// Calls `handler` once when the child has ended, on its waiting thread; at once when it has.
    public func onExit(_ handler: @escaping @Sendable (ExitStatus) -> Void) {
        let ended: ExitStatus? = state.withLock { state in
            if state.status == nil { state.handlers.append(handler) }
            return state.status
        }
        if let ended { handler(ended) }
    }

    /// The same for a task.
    public func exit() async -> ExitStatus {
        await withCheckedContinuation { continuation in
            onExit { continuation.resume(returning: $0) }
        }
    }

    /// Sends a signal; does nothing once the child has been waited for, because its pid may be another's then.
    /// - Returns: whether there was a child to send it to.
    @discardableResult
    public func signal(_ number: Int32) -> Bool {
        state.withLock { state in
            guard state.status == nil else { return false }
            return kill(pid, number) == 0
        }
    }

    /// Lets go of the lifeline: the child sees that its supervisor is gone.
    public func cutLifeline() {
        state.withLock { state in
            if let file = state.lifeline { close(file) }
            state.lifeline = nil
        }
    }

    private func reap() {
        // Wait without reaping first: the pid stays ours until the lock is held, so `signal` cannot hit a stranger.
        var information = siginfo_t()
        while waitid(P_PID, id_t(pid), &information, WEXITED | WNOWAIT) != 0, errno == EINTR {}
        let (status, handlers) = state.withLock { state in
            var raw: Int32 = 0
            while waitpid(pid, &raw, 0) < 0, errno == EINTR {}
            let status = ExitStatus(waitStatus: raw)
            state.status = status
            if let file = state.lifeline { close(file) }
            state.lifeline = nil
            defer { state.handlers = [] }
            return (status, state.handlers)
        }
        for handler in handlers { handler(status) }
    }

    private static func spawn(_ command: ChildCommand, _ pipes: ChildPipes) throws(HomeError) -> Int32 {
        #if canImport(Darwin)
            var actions: posix_spawn_file_actions_t?
            var attributes: posix_spawnattr_t?
        #else
            var actions = posix_spawn_file_actions_t()
            var attributes = posix_spawnattr_t()
        #endif
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        for (file, target) in pipes.childFiles { posix_spawn_file_actions_adddup2(&actions, file, target) }
        if command.mergesErrors { posix_spawn_file_actions_adddup2(&actions, 1, 2) }

        #if !canImport(Darwin)
            // Darwin closes by itself what is not meant for the child. Here: what a library opened without close-on-exec.
            // Closing a descriptor that is gone by then is no error.
            let first = command.hasLifeline ? ChildPipes.lifelineTarget + 1 : ChildPipes.lifelineTarget
            for file in openFiles() where file >= first { posix_spawn_file_actions_addclose(&actions, file) }
        #endif

        var flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK
        flags |= command.isDetached ? Self.newSession : POSIX_SPAWN_SETPGROUP
        #if canImport(Darwin)
            flags |= POSIX_SPAWN_CLOEXEC_DEFAULT
            for (target, choice) in [
                (Int32(0), command.input == .inherit), (1, command.output == .inherit), (2, command.errors == .inherit),
            ]
            where choice {
                posix_spawn_file_actions_addinherit_np(&actions, target)
            }
        #endif
        // Whatever this process ignores or blocks (SIGPIPE, SIGTERM) the child has as every program expects it.
        var defaults = sigset_t()
        sigfillset(&defaults)
        sigdelset(&defaults, SIGKILL)
        sigdelset(&defaults, SIGSTOP)
        posix_spawnattr_setsigdefault(&attributes, &defaults)
        var mask = sigset_t()
        sigemptyset(&mask)
        posix_spawnattr_setsigmask(&attributes, &mask)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(&attributes, Int16(truncatingIfNeeded: flags))

        var environment = command.environment
        environment[Lifeline.variable] = command.hasLifeline ? String(ChildPipes.lifelineTarget) : nil
        let arguments = CStrings([command.program] + command.arguments)
        let variables = CStrings(environment.map { "\($0.key)=\($0.value)" })
        var pid: pid_t = 0
        let code = posix_spawn(&pid, command.program, &actions, &attributes, arguments.pointers, variables.pointers)
        guard code == 0 else {
            throw HomeError(
                .spawn, "cannot start \(command.program): \(String(cString: strerror(code)))", path: command.program)
        }
        return pid
    }

    #if !canImport(Darwin)
        private static func openFiles() -> [Int32] {
            guard let folder = opendir("/proc/self/fd") else { return [] }
            defer { closedir(folder) }
            var files: [Int32] = []
            while let entry = readdir(folder) {
                let name = withUnsafeBytes(of: entry.pointee.d_name) { name in
                    String(decoding: name.prefix { $0 != 0 }, as: UTF8.self)
                }
                if let file = Int32(name) { files.append(file) }
            }
            return files
        }
    #endif
}
