import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A system thread for what must not run on Swift's cooperative pool: waiting in `poll` and owning sockets.
public final class DedicatedThread: Sendable {
    private let handle: Mutex<pthread_t?>

    private final class Start {
        let name: String
        let body: () -> Void

        init(name: String, body: @escaping () -> Void) {
            self.name = name
            self.body = body
        }

        func run() {
            // Shown by `ps` and debuggers; a system that will not take the name goes without.
            #if canImport(Darwin)
                pthread_setname_np(name)
            #else
                // Glibc's own call is not in Swift's module map.
                let file = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
                if file >= 0 {
                    _ = write(file, name, min(name.utf8.count, 15))
                    close(file)
                }
            #endif
            body()
        }
    }

    /// Starts a thread that runs `body` once.
    /// - Throws: ``BusError`` with `transport` when the system has no thread to give.
    public init(name: String, _ body: sending @escaping () -> Void) throws(BusError) {
        handle = Mutex(try Self.create(Start(name: name, body: body)))
    }

    private static func create(_ start: Start) throws(BusError) -> pthread_t {
        let (thread, code) = create(Unmanaged.passRetained(start).toOpaque())
        guard let thread else {
            // Given back: the thread that would have taken it does not exist.
            Unmanaged.passUnretained(start).release()
            throw BusError(.transport, "cannot start a thread: \(String(cString: strerror(code))); raise `ulimit -u`")
        }
        return thread
    }

    private static func create(_ argument: UnsafeMutableRawPointer) -> (pthread_t?, Int32) {
        #if canImport(Darwin)
            var thread: pthread_t?
        #else
            var thread = pthread_t()
        #endif
        let code = pthread_create(&thread, nil, enterThread, argument)
        return code == 0 ? (thread, 0) : (nil, code)
    }

    fileprivate static func run(_ argument: UnsafeMutableRawPointer) {
        Unmanaged<Start>.fromOpaque(argument).takeRetainedValue().run()
    }

    /// Waits until the body has returned. Further calls, and calls from the thread itself, return as soon as they can.
    public func join() {
        handle.withLock { handle in
            guard let thread = handle, pthread_equal(thread, pthread_self()) == 0 else { return }
            pthread_join(thread, nil)
            handle = nil
        }
    }

    deinit {
        handle.withLock { handle in
            // Nobody will join it: let the system free it when it ends.
            if let thread = handle { pthread_detach(thread) }
        }
    }
}

#if canImport(Darwin)
    private func enterThread(_ argument: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
        DedicatedThread.run(argument)
        return nil
    }
#else
    private func enterThread(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
        if let argument { DedicatedThread.run(argument) }
        return nil
    }
#endif
