#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The one reader of standard input, with the process's signals and timers: it runs on the thread that calls it until
/// the connection ends.
public struct StdioLoop: ~Copyable {
    public enum Ending: Hashable, Sendable {
        /// The client closed our input.
        case endOfInput
        case signal(Int32)
        /// Reading failed, with the error number.
        case failed(Int32)
        /// ``LineReceiver/isFinished`` said so.
        case finished
    }

    private let input: Int32
    private let wakePipe: WakePipe
    private var splitter: LineSplitter

    public init(input: Int32, wakePipe: WakePipe, lineLimit: Int = LineSplitter.standardLimit) {
        self.input = input
        self.wakePipe = wakePipe
        splitter = LineSplitter(limit: lineLimit)
    }

    /// Reads lines and hands them out, one after the other.
    public mutating func run(_ receiver: some LineReceiver) -> Ending {
        let size = 256 << 10
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 16)
        defer { buffer.deallocate() }
        while true {
            let timeout = receiver.tick()
            if receiver.isFinished { return .finished }
            // Without POLLIN the end of the client is still seen as POLLHUP.
            let wanted = receiver.wantsInput ? Int16(POLLIN) : 0
            var entries = [
                pollfd(fd: input, events: wanted, revents: 0),
                pollfd(fd: wakePipe.readEnd, events: Int16(POLLIN), revents: 0),
            ]
            if poll(&entries, 2, timeout.map { Int32(clamping: max(0, $0)) } ?? -1) < 0 {
                let code = errno
                if code == EINTR || code == EAGAIN { continue }
                return .failed(code)
            }
            if entries[1].revents != 0, let number = wakePipe.drain() { return .signal(number) }
            let state = Int32(entries[0].revents)
            if state & POLLNVAL != 0 { return .failed(EBADF) }
            if wanted == 0, state & (POLLHUP | POLLERR) != 0 { return .endOfInput }
            guard wanted != 0, state != 0 else { continue }
            let count = read(input, buffer.baseAddress, size)
            if count == 0 { return .endOfInput }
            guard count > 0 else {
                let code = errno
                if code == EINTR || code == EAGAIN { continue }
                return .failed(code)
            }
            splitter.take(UnsafeRawBufferPointer(rebasing: buffer[..<count])) { receiver.receive($0) }
        }
    }
}

/// Who gets the lines of a ``StdioLoop``. Called on its thread.
public protocol LineReceiver {
    func receive(_ piece: LineSplitter.Piece)
    /// Does what is due.
    /// - Returns: milliseconds until something is due again; `nil` when nothing is.
    func tick() -> Int64?
    /// Whether more lines can be taken now; whoever makes it true again wakes the loop.
    var wantsInput: Bool { get }
    /// Whether the connection is over for another reason than its input.
    var isFinished: Bool { get }
}
