public import OperatingHome

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The one writer of a descriptor: whole lines are queued, a thread of its own writes them with blocking `write(2)`, so
/// a full pipe makes lines wait and never mixes them. What has gathered while a write was under way goes out in one.
///
/// Queue `lines`: limit ``hardLimit`` bytes; a client that lets it overflow does not read at all, and the writer closes
/// with `ENOBUFS`. Senders that can wait hold back earlier, by what was reported as written.
///
/// `@unchecked Sendable`: `state` is touched only between `lock()` and `unlock()` of one pthread mutex; everything else
/// is immutable. A condition variable is needed to sleep on, which `Mutex` of Synchronization does not offer.
public final class LineWriter: LineOutput, @unchecked Sendable {
    /// In bytes.
    public static let hardLimit = 64 << 20

    private struct State {
        var lines: [UInt8] = []
        /// The number of the last lines queued.
        var number: UInt64 = 0
        var isWriting = false
        var isFinishing = false
        /// Why nothing more can be written.
        var failure: Int32?
        var isDone = false
    }

    private let descriptor: Int32
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let changed: UnsafeMutablePointer<pthread_cond_t>
    private var state = State()

    /// - Parameter descriptor: written to until the end; the writer does not close it.
    public init(descriptor: Int32) {
        self.descriptor = descriptor
        mutex = .allocate(capacity: 1)
        changed = .allocate(capacity: 1)
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(changed, nil)
    }

    deinit {
        // The thread holds a reference, so it has ended.
        pthread_cond_destroy(changed)
        pthread_mutex_destroy(mutex)
        changed.deallocate()
        mutex.deallocate()
    }

    /// Starts the thread; what was queued before goes out first.
    /// - Parameters:
    ///   - onWritten: called on the writer's thread with the number up to which everything is in the pipe.
    ///   - onClosed: called once when the other end is gone, with the error number of `write(2)`.
    public func start(
        onWritten: @escaping @Sendable (UInt64) -> Void, onClosed: @escaping @Sendable (Int32) -> Void
    ) throws(HomeError) {
        try SystemThread.start("stdout") { self.run(onWritten, onClosed) }
    }

    public func write(_ lines: [UInt8], number: UInt64) {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        guard state.failure == nil else { return }
        if state.lines.count + lines.count > Self.hardLimit {
            state.failure = ENOBUFS
            state.lines = []
        } else if state.lines.isEmpty {
            state.lines = lines
        } else {
            state.lines.append(contentsOf: lines)
        }
        state.number = number
        if !state.isWriting { pthread_cond_broadcast(changed) }
    }

    /// Writes out what is queued and ends the thread; waits at most so long.
    /// - Returns: whether everything was written.
    @discardableResult
    public func finish(withinMilliseconds limit: Int) -> Bool {
        var deadline = timespec()
        clock_gettime(CLOCK_REALTIME, &deadline)
        let nanoseconds = deadline.tv_nsec + limit % 1000 * 1_000_000
        deadline.tv_sec += limit / 1000 + nanoseconds / 1_000_000_000
        deadline.tv_nsec = nanoseconds % 1_000_000_000
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        state.isFinishing = true
        pthread_cond_broadcast(changed)
        while !state.isDone {
            guard pthread_cond_timedwait(changed, mutex, &deadline) == 0 else { break }
        }
        return state.isDone && state.failure == nil
    }

    private func run(_ onWritten: (UInt64) -> Void, _ onClosed: (Int32) -> Void) {
        while let (lines, number) = next() {
            let failure = writeAll(lines)
            pthread_mutex_lock(mutex)
            state.isWriting = false
            if let failure {
                state.failure = failure
                state.lines = []
            }
            pthread_mutex_unlock(mutex)
            if failure == nil { onWritten(number) }
        }
        pthread_mutex_lock(mutex)
        let failure = state.failure
        state.isDone = true
        pthread_cond_broadcast(changed)
        pthread_mutex_unlock(mutex)
        if let failure { onClosed(failure) }
    }

    private func next() -> (lines: [UInt8], number: UInt64)? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while state.lines.isEmpty {
            if state.isFinishing || state.failure != nil { return nil }
            pthread_cond_wait(changed, mutex)
        }
        let lines = state.lines
        state.lines = []
        state.isWriting = true
        return (lines, state.number)
    }

    /// - Returns: the error number when the other end is gone.
    private func writeAll(_ lines: [UInt8]) -> Int32? {
        lines.withUnsafeBytes { buffer -> Int32? in
            var offset = 0
            while offset < buffer.count {
                let count = Self.write(descriptor, UnsafeRawBufferPointer(rebasing: buffer[offset...]))
                if count > 0 {
                    offset += count
                    continue
                }
                let code = errno
                switch code {
                case EINTR: continue
                case EAGAIN:
                    // Some other holder of the same open file made it non-blocking.
                    var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                    poll(&entry, 1, -1)
                default: return code
                }
            }
            return nil
        }
    }

    private static func write(_ descriptor: Int32, _ buffer: UnsafeRawBufferPointer) -> Int {
        #if canImport(Darwin)
            Darwin.write(descriptor, buffer.baseAddress, buffer.count)
        #else
            Glibc.write(descriptor, buffer.baseAddress, buffer.count)
        #endif
    }
}
