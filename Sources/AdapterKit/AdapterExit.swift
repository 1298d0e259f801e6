import BusProtocol

/// How an adapter's process ends: a code for its supervisor and a line for a person.
struct AdapterExit: Hashable, Sendable {
    enum Cause: Hashable, Sendable {
        case stop(String)
        case refused(Bye)
        /// The adapter's own doing.
        case ended(String)
    }

    /// The codes of `sysexits.h`, so that a supervisor can tell what a restart may mend.
    enum Code {
        static let usage: Int32 = 64
        static let software: Int32 = 70
        static let temporary: Int32 = 75
        static let refused: Int32 = 77
        static let configuration: Int32 = 78
    }

    let status: Int32
    let line: String?

    static let stopped = AdapterExit(.stop("cancelled"))

    init(_ cause: Cause) {
        switch cause {
        case .stop:
            status = 0
            line = nil
        case .ended(let reason):
            status = Code.software
            line = "the adapter ended: \(reason)"
        case .refused(let bye):
            // Another holder may go away; a wrong key or name does not mend itself.
            let mayPass =
                bye.code == ProtocolError.Code.sourceTaken.rawValue || bye.code == ProtocolError.Code.fenced.rawValue
            status = mayPass ? Code.temporary : Code.refused
            line = "the router refused this adapter (\(bye.code)): \(bye.message)"
        }
    }
}
