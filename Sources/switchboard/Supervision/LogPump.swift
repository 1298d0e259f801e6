import OperatingHome

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Carries what a child writes into its log and, where someone looks, to the terminal. One thread per child; it ends
/// with the child's pipe.
enum LogPump {
    /// Bytes of one line; a longer one is broken.
    private static let lineLimit = 65_536

    /// - Parameter echo: called with each whole line, after it is in the log.
    static func start(
        _ file: Int32, log: RotatingLog, echo: @escaping @Sendable ([UInt8]) -> Void
    ) throws(HomeError) {
        try SystemThread.start("log") {
            var rest: [UInt8] = []
            var chunk = [UInt8](repeating: 0, count: 65_536)
            while true {
                let count = read(file, &chunk, chunk.count)
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else { break }
                rest += chunk[..<count]
                if let end = rest.lastIndex(of: 0x0A) {
                    let lines = Array(rest[...end])
                    rest.removeSubrange(...end)
                    log.write(lines)
                    echo(lines)
                } else if rest.count >= lineLimit {
                    rest.append(0x0A)
                    log.write(rest)
                    echo(rest)
                    rest = []
                }
            }
            if !rest.isEmpty {
                rest.append(0x0A)
                log.write(rest)
                echo(rest)
            }
            close(file)
        }
    }
}
