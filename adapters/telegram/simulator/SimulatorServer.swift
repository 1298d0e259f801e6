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

    private struct Page {
        var status = HTTPResponse.Status.ok
        var type = "application/json"
        var bytes: [UInt8]
        var location: String?

        init(_ bytes: [UInt8]) {
            self.bytes = bytes
            type = "application/octet-stream"
        }

        init(_ json: JSONValue) { bytes = json.bytes }

        init(_ refusal: Refusal) {
            bytes = refusal.json.bytes
            status = HTTPResponse.Status(code: Int(refusal.code))
        }

        init(html: String, _ status: HTTPResponse.Status, location: String? = nil) {
            bytes = Array(html.utf8)
            type = "text/html"
            self.status = status
            self.location = location
        }
    }

    private enum Reaction {
        case page(Page)
        /// The connection ends without an answer.
        case cut
        /// A half-open connection: it stays, and nothing comes.
        case silence
    }

    private func respond(_ request: Request, _ writer: consuming ResponseWriter, _ channel: any Channel) async throws {
        switch try await reaction(request) {
        case .cut: try await channel.close()
        case .silence: try await channel.closeFuture.get()
        case .page(let page):
            var headers: HTTPFields = [.contentType: page.type, .contentLength: String(page.bytes.count)]
            if let location = page.location { headers[.location] = location }
            var body = try await writer.writeHead(HTTPResponse(status: page.status, headerFields: headers))
            if !page.bytes.isEmpty { try await body.write(ByteBuffer(bytes: page.bytes)) }
            try await body.finish(nil)
        }
    }

    private func reaction(_ request: Request) async throws -> Reaction {
        var body: [UInt8] = []
        for try await part in request.body {
            guard body.count + part.readableBytes <= Self.bodyLimit else { return .cut }
            body += part.readableBytesView
        }
        let path = request.uri.path.replacingEncodedColon
        if let action = path.dropPrefix("/simulator/") {
            return .page(Page(await SimulatorControl(platform: platform).answer(String(action), body)))
        }
        let token = platform.state.withLock { $0.token }
        if let file = path.dropPrefix("/file/bot\(token)/") {
            guard let bytes = platform.file(at: String(file)) else { return .page(Page(Refusal(404, "Not Found"))) }
            return .page(Page(bytes))
        }
        guard let method = path.dropPrefix("/bot\(token)/") else {
            return .page(Page(path.hasPrefix("/bot") ? Refusal(401, "Unauthorized") : Refusal(404, "Not Found")))
        }
        do throws(Refusal) {
            let form = try RequestForm(
                contentType: request.headers[.contentType] ?? "", body: body, query: request.uri.query ?? "")
            return try await reaction(String(method), form)
        } catch {
            return .page(Page(error))
        }
    }

    private func reaction(_ method: String, _ form: RequestForm) async throws(Refusal) -> Reaction {
        switch platform.weather(method) {
        case nil: break
        case .conflict:
            throw Refusal(
                409, "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
            )
        case .flood(let seconds):
            throw Refusal(429, "Too Many Requests: retry after \(seconds)", retryAfter: seconds)
        case .broken: throw Refusal(500, "Internal Server Error")
        case .revoked: throw Refusal(401, "Unauthorized")
        case .refused(let code, let text): throw Refusal(code, text)
        case .silent: return .silence
        case .page: return .page(Page(html: "<html><body>Bad gateway</body></html>", .badGateway))
        case .redirect(let address): return .page(Page(html: "", .movedPermanently, location: address))
        case .cut: return .cut
        case .cutAfter:
            _ = try await platform.call(method, form)
            return .cut
        case .slow(let milliseconds): try await pause(milliseconds)
        }
        return .page(Page(["ok": true, "result": try await platform.call(method, form)]))
    }

    // MARK: Weather

    private func pause(_ milliseconds: Int64) async throws(Refusal) {
        do {
            try await Task.sleep(for: .milliseconds(milliseconds))
        } catch {
            throw Refusal(500, "Internal Server Error")  // the server stops
        }
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
