import AdapterKit
import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOPosix

/// Why a call of the Bot API brought no result. Holds neither the token nor a URL.
struct CallFailure: Error, Hashable, Sendable {
    enum Cause: Hashable, Sendable {
        /// The server answered, and refused: its `error_code`.
        case refused(Int)
        /// No connection came about: nothing was sent.
        case unreachable
        /// The request may have been carried out: a time-out, an end in between, an answer that is not the API's.
        case uncertain
    }

    var cause: Cause
    var reason: String
    /// `parameters.retry_after`, in seconds.
    var retryAfter: Int64?
    /// `parameters.migrate_to_chat_id`: the group became a supergroup with this id.
    var migratedTo: Int64?
}

/// The calls of the Bot API, so that tests can stand in for the server.
protocol BotAPI: Sendable {
    /// - Parameter seconds: how long the whole call may take.
    func call(_ method: String, _ parameters: JSONObject, within seconds: Int64) async throws(CallFailure) -> JSONValue

    /// A call with files.
    func upload(_ method: String, _ form: MultipartForm, within seconds: Int64) async throws(CallFailure) -> JSONValue
}

extension BotAPI {
    func call(_ method: String, _ parameters: JSONObject = [:]) async throws(CallFailure) -> JSONValue {
        try await call(method, parameters, within: 20)
    }
}

/// The Bot API over HTTP. ``close()`` must be called in the end.
final class BotServer: BotAPI {
    /// Longest answer that is read: 100 updates of the largest kind are well below.
    static let answerLimit = 16 << 20
    private static let connectPatience = TimeAmount.seconds(10)

    let prefix: String
    let filePrefix: String
    let client: HTTPClient
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)

    init(_ settings: TelegramSettings) {
        prefix = "\(settings.base)/bot\(settings.token)/"
        filePrefix = "\(settings.fileBase)/bot\(settings.token)/"
        var configuration = HTTPClient.Configuration()
        // A redirect would carry the token in the URL to wherever it points.
        configuration.redirectConfiguration = .disallow
        // One dead HTTP/2 connection would be taken for every further call; a dead HTTP/1 connection is closed with its call.
        configuration.httpVersion = .http1Only
        configuration.timeout.connect = Self.connectPatience
        // Longer than any poll is held: a file whose server falls silent ends too.
        configuration.timeout.read = .seconds(60)
        configuration.connectionPool.idleTimeout = .seconds(50)
        if let proxy = settings.proxy {
            configuration.proxy = .server(
                host: proxy.host, port: proxy.port,
                authorization: proxy.credentials.map { .basic(username: $0.user, password: $0.password) })
        }
        client = HTTPClient(eventLoopGroupProvider: .shared(group), configuration: configuration)
    }

    /// Ends every connection; further calls fail.
    func close() async {
        do {
            try await client.shutdown()
            try await group.shutdownGracefully()
        } catch {
            // It is closed already.
        }
    }

    func call(_ method: String, _ parameters: JSONObject, within seconds: Int64) async throws(CallFailure) -> JSONValue
    {
        var request = HTTPClientRequest(url: prefix + method)
        request.method = .POST
        request.headers.add(name: "content-type", value: "application/json")
        request.body = .bytes(ByteBuffer(bytes: JSONValue.object(parameters).bytes))
        return try await execute(request, within: seconds)
    }

    func upload(_ method: String, _ form: MultipartForm, within seconds: Int64) async throws(CallFailure) -> JSONValue {
        var request = HTTPClientRequest(url: prefix + method)
        request.method = .POST
        request.headers.add(name: "content-type", value: form.contentType)
        request.body = .stream(form.stream, length: .known(form.length))
        return try await execute(request, within: seconds)
    }

    private func execute(_ request: HTTPClientRequest, within seconds: Int64) async throws(CallFailure) -> JSONValue {
        let status: UInt
        let bytes: [UInt8]
        do {
            let response = try await client.execute(request, timeout: .seconds(seconds))
            status = response.status.code
            bytes = Array(try await response.body.collect(upTo: Self.answerLimit).readableBytesView)
        } catch {
            throw Self.failure(error)
        }
        return try Self.read(bytes, status: status)
    }

    /// Reads an answer. Whatever is not the API's own form, such as a proxy's page, says nothing about the outcome.
    static func read(_ bytes: [UInt8], status: UInt) throws(CallFailure) -> JSONValue {
        let answer: JSONValue
        do throws(JSONError) {
            answer = try JSONValue(parsing: bytes)
        } catch {
            throw CallFailure(cause: .uncertain, reason: "the answer (HTTP \(status)) is not the Bot API's")
        }
        if answer["ok"]?.boolValue == true, let result = answer["result"] { return result }
        guard answer["ok"]?.boolValue == false, let code = answer["error_code"]?.integerValue else {
            throw CallFailure(cause: .uncertain, reason: "the answer (HTTP \(status)) is not the Bot API's")
        }
        let parameters = answer["parameters"]
        throw CallFailure(
            cause: code >= 500 ? .uncertain : .refused(Int(clamping: code)),
            reason: String((answer["description"]?.stringValue ?? "error \(code)").prefix(200)),
            retryAfter: parameters?["retry_after"]?.integerValue,
            migratedTo: parameters?["migrate_to_chat_id"]?.integerValue)
    }

    static func failure(_ error: any Error) -> CallFailure {
        guard let error = error as? HTTPClientError else {
            // Names that cannot be resolved and refused connections come as errors of the socket, before any byte.
            let isConnecting = error is NIOConnectionError
            return CallFailure(
                cause: isConnecting ? .unreachable : .uncertain,
                reason: isConnecting ? "no connection to the server" : "the connection ended in between")
        }
        let isBefore =
            error == .connectTimeout || error == .getConnectionFromPoolTimeout || error == .alreadyShutdown
            || error == .tlsHandshakeTimeout
        return CallFailure(cause: isBefore ? .unreachable : .uncertain, reason: error.shortDescription)
    }
}
