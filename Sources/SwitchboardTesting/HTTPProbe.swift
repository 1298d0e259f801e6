import OperatingHome

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The plainest of HTTP clients, for tests: bytes as given, an answer as it came, no help and no repair.
public struct HTTPProbe: Sendable {
    public struct Answer: Hashable, Sendable {
        public var status: Int
        /// Names in lower case.
        public var headers: [String: String]
        public var body: [UInt8]

        public var text: String { String(decoding: body, as: UTF8.self) }
    }

    public struct Failure: Error, CustomStringConvertible {
        public let description: String
        public init(description: String) { self.description = description }
    }

    public let port: UInt16

    public init(port: UInt16) { self.port = port }

    public func post(_ path: String, _ body: String, headers: [String: String] = [:]) async throws -> Answer {
        try await request("POST", path, Array(body.utf8), headers: headers)
    }

    public func get(_ path: String, headers: [String: String] = [:]) async throws -> Answer {
        try await request("GET", path, nil, headers: headers)
    }

    public func request(
        _ method: String, _ path: String, _ body: [UInt8]?, headers: [String: String] = [:]
    ) async throws -> Answer {
        try await exchange(Self.head(method, path, body?.count, headers) + (body ?? []))
    }

    static func head(_ method: String, _ path: String, _ length: Int?, _ headers: [String: String]) -> [UInt8] {
        var lines = ["\(method) \(path) HTTP/1.1"]
        var headers = headers
        if headers["Host"] == nil { headers["Host"] = "127.0.0.1" }
        if headers["Connection"] == nil { headers["Connection"] = "close" }
        if let length, headers["Content-Length"] == nil, headers["Transfer-Encoding"] == nil {
            headers["Content-Length"] = String(length)
        }
        lines += headers.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
        return Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8)
    }

    /// Sends bytes and reads until the other side closes.
    public func exchange(_ bytes: [UInt8]) async throws -> Answer {
        try await Self.onThread { [port] in
            let file = try Self.connect(port)
            defer { close(file) }
            // A server may answer and close before it has read all.
            Self.write(file, bytes)
            var answer: [UInt8] = []
            while let chunk = try Self.read(file) { answer += chunk }
            return try Self.parse(answer)
        }
    }

    /// Opens a stream of server-sent events.
    public func stream(_ path: String, headers: [String: String] = [:]) async throws -> HTTPStream {
        let request = Self.head("GET", path, nil, headers.merging(["Connection": "keep-alive"]) { $1 })
        return try await Self.onThread { [port] in
            let file = try Self.connect(port)
            Self.write(file, request)
            return try HTTPStream(file: file)
        }
    }

    // MARK: Sockets

    static func onThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        let result: Result<Value, any Error> = await withCheckedContinuation { continuation in
            do throws(HomeError) {
                try SystemThread.start("http-probe") { continuation.resume(returning: Result { try body() }) }
            } catch {
                continuation.resume(returning: .failure(error))
            }
        }
        return try result.get()
    }

    static func connect(_ port: UInt16) throws -> Int32 {
        #if canImport(Darwin)
            let file = socket(AF_INET, SOCK_STREAM, 0)
        #else
            let file = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        #endif
        guard file >= 0 else { throw Failure(description: "no socket") }
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = port.bigEndian
        name.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var limit = timeval(tv_sec: 30, tv_usec: 0)
        setsockopt(file, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        let status = withUnsafePointer(to: &name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                #if canImport(Darwin)
                    Darwin.connect(file, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                #else
                    Glibc.connect(file, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                #endif
            }
        }
        guard status == 0 else {
            let reason = String(cString: strerror(errno))
            close(file)
            throw Failure(description: "cannot connect to \(port): \(reason)")
        }
        return file
    }

    static func write(_ file: Int32, _ bytes: [UInt8]) {
        #if canImport(Darwin)
            let flags: Int32 = 0
            var yes: Int32 = 1
            setsockopt(file, SOL_SOCKET, SO_NOSIGPIPE, &yes, socklen_t(MemoryLayout<Int32>.size))
        #else
            let flags = Int32(MSG_NOSIGNAL)
        #endif
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { send(file, $0.baseAddress, $0.count, flags) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    /// What came; `nil` at the end.
    static func read(_ file: Int32) throws -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(file, &buffer, buffer.count, 0)
            if count > 0 { return Array(buffer[..<count]) }
            if count == 0 { return nil }
            if errno == EINTR { continue }
            if errno == ECONNRESET { return nil }
            throw Failure(description: "no answer: \(String(cString: strerror(errno)))")
        }
    }

    static func parse(_ bytes: [UInt8]) throws -> Answer {
        guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else {
            throw Failure(description: "no HTTP answer in \(bytes.count) bytes")
        }
        let lines = String(decoding: bytes[..<end.lowerBound], as: UTF8.self).split(separator: "\r\n")
        let words = lines.first?.split(separator: " ") ?? []
        guard words.count >= 2, let status = Int(words[1]) else { throw Failure(description: "no status line") }
        // What was said before the answer itself: 100 Continue.
        if status == 100 { return try parse(Array(bytes[end.upperBound...])) }
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let value = line[line.index(after: colon)...].drop { $0 == " " }
            headers[line[..<colon].lowercased()] = String(value)
        }
        return Answer(status: status, headers: headers, body: Array(bytes[end.upperBound...]))
    }
}

/// A stream of server-sent events that is read as it comes.
public final class HTTPStream: Sendable {
    /// All that came so far, the head first.
    public let text = Watched("")
    public let isClosed = Watched(false)
    private let file: Int32

    init(file: Int32) throws {
        self.file = file
        try SystemThread.start("http-stream") { [text, isClosed] in
            do {
                while let chunk = try HTTPProbe.read(file) {
                    text.change { $0 += String(decoding: chunk, as: UTF8.self) }
                }
            } catch {
                text.change { $0 += "\n\(error)" }
            }
            isClosed.change { $0 = true }
        }
    }

    /// Waits until the stream said something.
    public func says(_ words: String) async throws {
        _ = try await text.wait(for: "the stream to say \(words)") { $0.contains(words) }
    }

    public func close() {
        shutdown(file, Int32(SHUT_RDWR))
    }

    deinit {
        shutdown(file, Int32(SHUT_RDWR))
        Self.closeFile(file)
    }

    private static func closeFile(_ file: Int32) {
        #if canImport(Darwin)
            Darwin.close(file)
        #else
            Glibc.close(file)
        #endif
    }
}
