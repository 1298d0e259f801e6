import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Ends another thread's ``Poller/wait(milliseconds:)``. Any thread raises it; the waiting thread clears it and then
/// looks at its queues. Many raises before a clear are one.
public final class WakeSignal: Sendable {
    let readEnd: Int32
    private let writeEnd: Int32
    /// True from the first raise to the clear: spares a system call for each raise after the first.
    private let isRaised = Atomic(false)

    public init() throws(ZeroMQError) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw ZeroMQError(number: errno, operation: "wake pipe") }
        for end in ends {
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
        }
        readEnd = ends[0]
        writeEnd = ends[1]
    }

    deinit {
        close(readEnd)
        close(writeEnd)
    }

    public func raise() {
        guard !isRaised.exchange(true, ordering: .sequentiallyConsistent) else { return }
        var byte: UInt8 = 1
        // The pipe holds two bytes at most, so this cannot find it full.
        while write(writeEnd, &byte, 1) < 0, errno == EINTR {}
    }

    /// Call before looking at the queues, when a ``Poller`` says that the signal is readable: what is put in after this
    /// raises the signal again.
    public func clear() {
        // Reads even when it does not seem to be raised: a raise may have written its byte only after an earlier clear
        // had found none, and a byte that is left would end every wait at once from then on.
        var bytes: (UInt64, UInt64) = (0, 0)
        while read(readEnd, &bytes, 16) < 0, errno == EINTR {}
        isRaised.store(false, ordering: .sequentiallyConsistent)
    }
}
