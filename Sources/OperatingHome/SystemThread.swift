#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A thread of our own for calls that block; Swift's cooperative pool must never wait in one.
public enum SystemThread {
    private final class Body: Sendable {
        let name: String
        let run: @Sendable () -> Void
        init(name: String, run: @escaping @Sendable () -> Void) {
            self.name = name
            self.run = run
        }
    }

    /// Starts a detached thread.
    /// - Parameter name: for debuggers; cut to 15 bytes.
    /// - Throws: ``HomeError`` with `spawn` when the system has no more threads.
    public static func start(_ name: String, _ run: @escaping @Sendable () -> Void) throws(HomeError) {
        let body = Unmanaged.passRetained(Body(name: String(name.prefix(15)), run: run))
        #if canImport(Darwin)
            var thread: pthread_t?
            let code = pthread_create(&thread, nil, { SystemThread.enter($0) }, body.toOpaque())
            let started = thread
        #else
            var thread = pthread_t()
            let code = pthread_create(&thread, nil, { SystemThread.enter($0) }, body.toOpaque())
            let started: pthread_t? = thread
        #endif
        guard code == 0, let started else {
            body.release()
            throw HomeError(.spawn, "cannot start the thread \(name): \(String(cString: strerror(code)))")
        }
        pthread_detach(started)
    }

    private static func enter(_ pointer: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
        guard let pointer else { return nil }
        let body = Unmanaged<Body>.fromOpaque(pointer).takeRetainedValue()
        #if canImport(Darwin)
            pthread_setname_np(body.name)
        #else
            // Not pthread_setname_np, which Swift's Glibc does not show. A thread without a name works as well.
            let file = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
            if file >= 0 {
                _ = write(file, body.name, body.name.utf8.count)
                close(file)
            }
        #endif
        body.run()
        return nil
    }
}
