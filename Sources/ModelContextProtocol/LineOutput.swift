/// Where a server's lines go: standard output, or a stream of an HTTP connection.
public protocol LineOutput: Sendable {
    /// Queues whole lines behind those before them. Does not block.
    /// - Parameter number: rises with every call; the output reports, in its own way, the number up to which
    ///   everything was written.
    func write(_ lines: [UInt8], number: UInt64)
}
