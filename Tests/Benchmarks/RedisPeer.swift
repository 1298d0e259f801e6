import OperatingHome

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A Redis server of our own that promises the same: an entry is on the disk before it is acknowledged.
final class RedisPeer {
    private let server: ChildProcess
    private let folder: String
    private let socket: Int32

    private init(server: ChildProcess, folder: String, socket: Int32) {
        self.server = server
        self.folder = folder
        self.socket = socket
    }

    /// `nil` when the machine has no `redis-server`.
    static func start() throws -> RedisPeer? {
        guard let program = try ProgramFinder.find("redis-server", path: "/usr/bin:/usr/local/bin:/opt/homebrew/bin")
        else { return nil }
        var template = Array("/tmp/switchboard-redis-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Failure("cannot make a folder in /tmp") }
        let folder = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
        let path = folder + "/redis.sock"
        let server = try ChildProcess.start(
            ChildCommand(
                program,
                [
                    "--port", "0", "--unixsocket", path, "--dir", folder, "--appendonly", "yes", "--appendfsync",
                    "always",
                    "--save", "", "--loglevel", "warning", "--auto-aof-rewrite-percentage", "0",
                ], hasLifeline: false))
        for _ in 0..<500 {
            if let socket = connect(path) { return RedisPeer(server: server, folder: folder, socket: socket) }
            usleep(10_000)
        }
        throw Failure("redis-server does not answer")
    }

    private static func connect(_ path: String) -> Int32? {
        #if canImport(Darwin)
            let socket = Darwin.socket(AF_UNIX, SOCK_STREAM, 0)
        #else
            let socket = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        #endif
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
        let length = socklen_t(MemoryLayout<sockaddr_un>.size)
        let code = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                #if canImport(Darwin)
                    Darwin.connect(socket, $0, length)
                #else
                    Glibc.connect(socket, $0, length)
                #endif
            }
        }
        guard code == 0 else {
            close(socket)
            return nil
        }
        return socket
    }

    /// XADD with so many commands in flight; entries per second.
    func append(entries: Int, text: Int, inFlight: Int) throws -> Double {
        let value = String(repeating: "x", count: text)
        let command = Array("*5\r\n$4\r\nXADD\r\n$5\r\nbench\r\n$1\r\n*\r\n$1\r\nm\r\n$\(text)\r\n\(value)\r\n".utf8)
        _ = try pipeline(command, entries / 10, inFlight)
        let start = Clock.nanoseconds
        _ = try pipeline(command, entries, inFlight)
        return Double(entries) / (Double(Clock.nanoseconds - start) / 1e9)
    }

    /// Keeps the window full in quarters, as our own publisher does.
    private func pipeline(_ command: [UInt8], _ entries: Int, _ inFlight: Int) throws -> Int {
        let quarter = max(1, inFlight / 4)
        let batch = Array(repeatElement(command, count: quarter).joined())
        var sent = 0
        var answered = 0
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        var lines = 0
        while answered < entries {
            while sent < entries, sent - answered + quarter <= inFlight {
                var offset = 0
                while offset < batch.count {
                    let count = batch[offset...].withUnsafeBytes { write(socket, $0.baseAddress, $0.count) }
                    guard count > 0 else { throw Failure("redis-server closed the connection") }
                    offset += count
                }
                sent += quarter
            }
            let count = read(socket, &buffer, buffer.count)
            guard count > 0 else { throw Failure("redis-server closed the connection") }
            // An answer is `$<length>` and the id: two lines.
            for byte in buffer[..<count] where byte == 0x0A { lines += 1 }
            answered = lines / 2
        }
        return answered
    }

    func stop() {
        close(socket)
        _ = server.signal(SIGKILL)
        while server.status == nil { usleep(1_000) }
        try? ProcessRunner.run("/bin/rm", ["-rf", folder])
    }
}
