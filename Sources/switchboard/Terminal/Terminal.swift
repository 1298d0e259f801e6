#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Standard output and standard error, a whole text at a time.
enum Terminal {
    static func say(_ text: String) { write(text + "\n", to: 1) }
    static func complain(_ text: String) { write(text + "\n", to: 2) }

    /// Whether a person reads standard output.
    static var isInteractive: Bool { isatty(1) == 1 }

    /// - Returns: whether all of it could be written.
    @discardableResult
    static func write(_ text: String, to file: Int32) -> Bool {
        write(Array(text.utf8), to: file)
    }

    @discardableResult
    static func write(_ bytes: [UInt8], to file: Int32) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { buffer in
                #if canImport(Darwin)
                    Darwin.write(file, buffer.baseAddress, buffer.count)
                #else
                    Glibc.write(file, buffer.baseAddress, buffer.count)
                #endif
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    /// What others wrote, made fit for a line of a terminal: no control character can move the cursor or forge a line.
    static func plain(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { scalar in
                    let isControl = scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
                    let isDirection =
                        (0x202A...0x202E).contains(scalar.value) || (0x2066...0x2069).contains(scalar.value)
                    return isControl || isDirection ? " " : scalar
                }))
    }
}
