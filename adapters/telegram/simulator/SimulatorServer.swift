import HTTPTypes
import HummingbirdCore
import JSON
import Logging
import NIOCore
import NIOPosix
import Synchronization

/// The platform behind HTTP, as `api.telegram.org` is; and its handles for a person or a test under `/simulator/`.
final class SimulatorServer: Sendable {
    static let bodyLimit = 64 << 20

    let platform: BotPlatform
    private let serving = Mutex<Task<Void, any Error>?>(nil)
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)

    init(_ platform: BotPlatform) { self.platform = platform }

    /// Binds to 127.0.0.1 and serves in the background.
    /// - Parameter port: 0 for any.
    /// - Returns: the port.
    func start(port: Int = 0) async throws -> Int {
        var log = Logger(label: "simulator")
        log.logLevel = .critical
        let (bound, continuation) = AsyncStream.makeStream(of: Int.self)
        let server = Server(
            childChannelSetup: HTTP1Channel(responder: { [self] request, writer, channel in
                try await respond(request, writer, channel)
            }),
            configuration: ServerConfiguration(address: .hostname("127.0.0.1", port: port)),
            onServerRunning: { channel in
                continuation.yield(channel.localAddress?.port ?? port)
                continuation.finish()
            },
            eventLoopGroup: group, logger: log)
        let task = Task {
            defer { continuation.finish() }
            try await server.run()
        }
        serving.withLock { $0 = task }
        for await port in bound { return port }
        try await task.value
        return port
    }

    /// Returns when the server ends.
    func wait() async throws { try await serving.withLock { $0 }?.value }

    /// Ends everything at once: open connections are cut.
    func stop() async {
        platform.end(nil, .time)
        let task = serving.withLock { $0 }
        task?.cancel()
        _ = await task?.result
        do {
            try await group.shutdownGracefully()
        } catch {
            // It is shut down already.
        }
    }

    // MARK: Requests

    private func respond(_ request: Request, _ writer: consuming ResponseWriter, _ channel: any Channel) async throws {
        var body: [UInt8] = []
        for try await part in request.body {
            guard body.count + part.readableBytes <= Self.bodyLimit else { return try await cut(channel) }
            body += part.readableBytesView
        }
        let path = Self.decoded(request.uri.path)
        if let action = path.dropPrefix("/simulator/") {
            let answer = await SimulatorControl(platform: platform).answer(String(action), body)
            return try await write(answer.text, .ok, "application/json", writer)
        }
        let token = platform.state.withLock { $0.token }
        if let file = path.dropPrefix("/file/bot\(token)/") {
            guard let bytes = platform.file(at: String(file)) else {
                return try await write(Refusal(404, "Not Found").json.text, .notFound, "application/json", writer)
            }
            return try await write(bytes, .ok, "application/octet-stream", writer)
        }
        guard let method = path.dropPrefix("/bot\(token)/") else {
            let isToken = path.hasPrefix("/bot")
            let refusal = isToken ? Refusal(401, "Unauthorized") : Refusal(404, "Not Found")
            return try await write(refusal, writer)
        }
        try await carryOut(String(method), request, body, writer, channel)
    }

    private func carryOut(
        _ method: String, _ request: Request, _ body: [UInt8], _ writer: consuming ResponseWriter, _ channel: any Channel
    ) async throws {
        let answer: JSONValue
        do {
            let form = try RequestForm(
                contentType: request.headers[.contentType] ?? "", body: body, query: request.uri.query ?? "")
            switch platform.weather(method) {
            case nil: break
            case .conflict:
                throw Refusal(
                    409,
                    "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running")
            case .flood(let seconds):
                throw Refusal(429, "Too Many Requests: retry after \(seconds)", retryAfter: seconds)
            case .broken: throw Refusal(500, "Internal Server Error")
            case .revoked: throw Refusal(401, "Unauthorized")
            case .refused(let code, let text): throw Refusal(code, text)
            case .silent: return try await sleepUntilClosed(channel)
            case .page:
                return try await write("<html><body>Bad gateway</body></html>", .badGateway, "text/html", writer)
            case .redirect(let address):
                return try await write("", .movedPermanently, "text/html", writer, location: address)
            case .cut: return try await cut(channel)
            case .cutAfter:
                _ = try await platform.call(method, form)
                return try await cut(channel)
            case .slow(let milliseconds): try await pause(milliseconds)
            }
            answer = ["ok": true, "result": try await platform.call(method, form)]
        } catch let refusal as Refusal {
            return try await write(refusal, writer)
        }
        try await write(answer.text, .ok, "application/json", writer)
    }

    private func write(_ refusal: Refusal, _ writer: consuming ResponseWriter) async throws {
        try await write(
            refusal.json.text, HTTPResponse.Status(code: Int(refusal.code)), "application/json", writer)
    }

    private func write(
        _ text: String, _ status: HTTPResponse.Status, _ type: String, _ writer: consuming ResponseWriter,
        location: String? = nil
    ) async throws {
        try await write(Array(text.utf8), status, type, writer, location: location)
    }

    private func write(
        _ bytes: [UInt8], _ status: HTTPResponse.Status, _ type: String, _ writer: consuming ResponseWriter,
        location: String? = nil
    ) async throws {
        var headers: HTTPFields = [.contentType: type, .contentLength: String(bytes.count)]
        if let location { headers[.location] = location }
        var body = try await writer.writeHead(HTTPResponse(status: status, headerFields: headers))
        if !bytes.isEmpty { try await body.write(ByteBuffer(bytes: bytes)) }
        try await body.finish(nil)
    }

    // MARK: Weather

    private func cut(_ channel: any Channel) async throws { try await channel.close() }

    /// A half-open connection: it stays, and nothing comes.
    private func sleepUntilClosed(_ channel: any Channel) async throws { try await channel.closeFuture.get() }

    private func pause(_ milliseconds: Int64) async throws(Refusal) {
        do {
            try await Task.sleep(for: .milliseconds(milliseconds))
        } catch {
            throw Refusal(500, "Internal Server Error")  // the server stops
        }
    }

    /// A proxy is asked with the whole address.
    private static func decoded(_ path: String) -> String {
        var path = Substring(path)
        if path.hasPrefix("http://"), let slash = path.dropFirst(7).firstIndex(of: "/") { path = path[slash...] }
        return String(path).replacingEncodedColon
    }
}

extension String {
    /// The rest after a prefix; `nil` where it has another.
    func dropPrefix(_ prefix: String) -> Substring? { hasPrefix(prefix) ? dropFirst(prefix.count) : nil }

    /// Some clients write the colon of a token as `%3A`.
    fileprivate var replacingEncodedColon: String {
        split(separator: "%3A", omittingEmptySubsequences: false).joined(separator: ":")
    }
}
