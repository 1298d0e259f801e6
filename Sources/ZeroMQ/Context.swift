import CZeroMQ

/// libzmq's threads and in-process addresses. Closed when the last socket and the last reference are gone.
///
/// The only part of libzmq that any thread may use.
public final class Context: @unchecked Sendable {
    // The pointer never changes after `init`, and libzmq documents contexts as thread safe.
    let raw: UnsafeMutableRawPointer

    public init() throws(ZeroMQError) {
        guard let raw = zmq_ctx_new() else { throw ZeroMQError.last("context") }
        self.raw = raw
    }

    deinit {
        // Waits for closed sockets to linger out; sockets hold their context, so none is open here.
        while zmq_ctx_term(raw) != 0, zmq_errno() == ZeroMQError.interrupted {}
    }
}
