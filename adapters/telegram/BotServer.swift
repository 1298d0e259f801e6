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

/// The Bot API over HTTP.
struct BotServer: Sendable {
    /// Longest answer that is read: 100 updates of the largest kind are well below.
    static let answerLimit = 16 << 20

    private let prefix: String

    init(_ settings: TelegramSettings) { prefix = "\(settings.base)/bot\(settings.token)/" }

    /// - Parameter seconds: how long the whole call may take.
    func call(_ method: String, _ parameters: JSONObject = [:], within seconds: Int64 = 20) async throws(CallFailure)
        -> JSONValue
    {
        var request = HTTPClientRequest(url: prefix + method)
        request.method = .POST
        request.headers.add(name: "content-type", value: "application/json")
        request.body = .bytes(ByteBuffer(bytes: JSONValue.object(parameters).bytes))
        let status: UInt
        let bytes: [UInt8]
        do {
            let response = try await HTTPClient.shared.execute(request, timeout: .seconds(seconds))
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

    private static func failure(_ error: any Error) -> CallFailure {
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
