import CZeroMQ
import Synchronization

/// libzmq's threads and in-process addresses. Closed when the last socket and the last reference are gone.
///
/// The only part of libzmq that any thread may use.
public final class Context: @unchecked Sendable {
    // The pointer never changes after `init`, and libzmq documents contexts as thread safe.
    let raw: UnsafeMutableRawPointer
    private let isClosed = Atomic(false)

    public init() throws(ZeroMQError) {
        guard let raw = zmq_ctx_new() else { throw ZeroMQError.last("context") }
        self.raw = raw
    }

    deinit { close() }

    /// Returns when every socket is closed and its queue sent or its linger over. Sockets must have been closed: this
    /// waits for them. Needed by who wants to bind the same path again; else letting go of the context is enough.
    public func close() {
        guard !isClosed.exchange(true, ordering: .sequentiallyConsistent) else { return }
        while zmq_ctx_term(raw) != 0, zmq_errno() == ZeroMQError.interrupted {}
    }
}
