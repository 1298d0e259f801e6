import OperatingHome

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A real `switchboard mcp` with this program in Claude Code's place.
final class Endpoint {
    let process: ChildProcess
    private let input: Int32
    private let output: Int32
    private var buffer: [UInt8] = []
    private var start = 0
    private var chunk = [UInt8](repeating: 0, count: 1 << 18)

    init(programs: String, environment: [String: String]) throws {
        var command = ChildCommand(
            programs + "/switchboard", ["mcp", "--no-start"], environment: environment, hasLifeline: false)
        command.input = .pipe
        command.output = .pipe
        command.errors = .null
        process = try ChildProcess.start(command)
        guard let input = process.input, let output = process.output else { throw Failure("no pipes") }
        self.input = input
        self.output = output
    }

    func say(_ line: String) throws {
        let bytes = Array((line + "\n").utf8)
        guard write(input, bytes, bytes.count) == bytes.count else { throw Failure("the endpoint is gone") }
    }

    /// The next line, as bytes.
    func line() throws -> ArraySlice<UInt8> {
        while true {
            if let end = buffer[start...].firstIndex(of: 0x0A) {
                defer { start = end + 1 }
                return buffer[start..<end]
            }
            try fill()
        }
    }

    /// Counts so many lines without looking at them.
    func skip(lines wanted: Int) throws {
        var missing = wanted
        while missing > 0 {
            var index = start
            while index < buffer.count, missing > 0 {
                if buffer[index] == 0x0A {
                    missing -= 1
                    start = index + 1
                }
                index += 1
            }
            if missing > 0 { try fill() }
        }
    }

    private func fill() throws {
        if start > 0 {
            buffer.removeFirst(start)
            start = 0
        }
        let count = read(output, &chunk, chunk.count)
        guard count > 0 else { throw Failure("the endpoint closed its output") }
        buffer.append(contentsOf: chunk[..<count])
    }

    static let initialize =
        #"{"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"benchmark","version":"1"}},"jsonrpc":"2.0","id":0}"#

    /// The handshake, and a first call that proves a session is behind it.
    func attach() throws {
        try say(Self.initialize)
        _ = try line()
        try say(#"{"method":"notifications/initialized","jsonrpc":"2.0"}"#)
        try say(#"{"method":"tools/call","params":{"name":"conversations","arguments":{}},"jsonrpc":"2.0","id":1}"#)
        _ = try line()
    }

    func end() {
        close(input)
        while process.status == nil { usleep(1_000) }
        close(output)
    }
}

enum Memory {
    /// Proportional set size of a process in megabytes; `nil` where the system does not tell.
    static func proportional(of pid: Int32) -> Double? {
        let file = open("/proc/\(pid)/smaps_rollup", O_RDONLY)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 8_192)
        let count = read(file, &bytes, bytes.count)
        guard count > 0 else { return nil }
        for line in String(decoding: bytes[..<count], as: UTF8.self).split(separator: "\n") where line.hasPrefix("Pss:")
        {
            return line.split(separator: " ").dropFirst().first.flatMap { Double($0) }.map { $0 / 1_024 }
        }
        return nil
    }

    /// Processor time a process has used, in seconds.
    static func processorTime(of pid: Int32) -> Double? {
        let file = open("/proc/\(pid)/stat", O_RDONLY)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 4_096)
        let count = read(file, &bytes, bytes.count)
        guard count > 0 else { return nil }
        let fields =
            String(decoding: bytes[..<count], as: UTF8.self).split(separator: ")").last?.split(separator: " ") ?? []
        guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else { return nil }
        return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }
}
