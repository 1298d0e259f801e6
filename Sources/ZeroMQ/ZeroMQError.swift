import CZeroMQ

/// A call into libzmq that failed: the name of the error, what was being done, and what to do about it.
public struct ZeroMQError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The number from `errno.h`, or libzmq's own.
    public let number: Int32
    /// What was being done: `bind`, `connect`, `send`, … Bounded, fit for a counter's label.
    public let operation: String

    public init(number: Int32, operation: String) {
        self.number = number
        self.operation = operation
    }

    /// The error that libzmq left for this thread.
    static func last(_ operation: String) -> ZeroMQError {
        ZeroMQError(number: zmq_errno(), operation: operation)
    }

    /// `EADDRINUSE`, …; `E` and the number for one without a name here.
    public var name: String { Self.known[number]?.name ?? "E\(number)" }

    public var description: String {
        let advice = Self.known[number]?.advice ?? "libzmq says: \(String(cString: zmq_strerror(number)))"
        return "zmq \(operation): \(name), \(advice)"
    }

    static let wouldBlock = EAGAIN
    static let interrupted = EINTR
    static let hostUnreachable = EHOSTUNREACH

    public var isAddressInUse: Bool { number == EADDRINUSE }

    private static let known: [Int32: (name: String, advice: String)] = [
        EADDRINUSE: ("EADDRINUSE", "another process listens there; stop it or choose another address"),
        EADDRNOTAVAIL: ("EADDRNOTAVAIL", "this machine has no such address"),
        EACCES: ("EACCES", "the socket's directory does not let this user in"),
        EINVAL: ("EINVAL", "the address or the value is not one that libzmq takes"),
        EPROTONOSUPPORT: ("EPROTONOSUPPORT", "the address needs ipc://, tcp:// or inproc://"),
        ENODEV: ("ENODEV", "there is no such network interface"),
        ENOENT: ("ENOENT", "the socket's directory does not exist"),
        ENOTDIR: ("ENOTDIR", "a part of the socket's path is not a directory"),
        ENAMETOOLONG: ("ENAMETOOLONG", "the socket's path is too long for this system"),
        EMFILE: ("EMFILE", "too many open files; raise `ulimit -n`"),
        ENOMEM: ("ENOMEM", "no memory is left"),
        EHOSTUNREACH: ("EHOSTUNREACH", "that peer is not connected"),
        EAGAIN: ("EAGAIN", "the peer's queue is full"),
        ENOTSUP: ("ENOTSUP", "this libzmq lacks it; CURVE needs one that was built with libsodium"),
        EFSM: ("EFSM", "the socket is not in a state for this"),
        ETERM: ("ETERM", "the context was closed"),
        ENOTSOCK: ("ENOTSOCK", "the socket was closed"),
    ]
}
