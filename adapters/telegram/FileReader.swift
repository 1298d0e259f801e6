import AdapterKit
import AsyncHTTPClient
import NIOCore
import NIOHTTP1

/// Brings the bytes of what people sent: asked for on demand, never kept.
struct FileReader: Sendable {
    let server: BotServer

    /// - Parameter limit: a longer file is not taken, in bytes.
    func content(_ id: String, limit: Int64) async throws(FetchFailure) -> AttachmentContent {
        let file: JSONValue
        do throws(CallFailure) {
            file = try await server.call("getFile", ["file_id": .string(id)])
        } catch {
            throw Self.failure(error)
        }
        if let size = file["file_size"]?.integerValue, size > limit {
            throw FetchFailure(.oversize, "it has \(size) bytes, more than the \(limit) that are taken")
        }
        guard let path = file["file_path"]?.stringValue, !path.isEmpty else {
            throw FetchFailure(.gone, "Telegram has this file no more")
        }
        // A server on this machine says where it keeps the file.
        if path.hasPrefix("/") { return .file(path: path) }
        guard let address = Self.address(path) else {
            throw FetchFailure(.unsupported, "the server names the file in a way that is not understood")
        }
        return try await download(address)
    }

    private func download(_ address: String) async throws(FetchFailure) -> AttachmentContent {
        let response: HTTPClientResponse
        do {
            response = try await server.client.execute(
                HTTPClientRequest(url: server.filePrefix + address), timeout: .seconds(30))
        } catch {
            throw FetchFailure(.unavailable, BotServer.failure(error).reason)
        }
        switch response.status.code {
        case 200: return .stream(response.body.map { Array($0.readableBytesView) })
        case 404, 410: throw FetchFailure(.gone, "Telegram has this file no more")
        default: throw FetchFailure(.unavailable, "the file server answered HTTP \(response.status.code)")
        }
    }

    static func failure(_ failure: CallFailure) -> FetchFailure {
        switch failure.cause {
        case .refused(400) where failure.reason.contains("too big"):
            return FetchFailure(
                .oversize, "Telegram gives bots files of up to 20 MB only; a Bot API server of your own gives all")
        case .refused(400), .refused(403), .refused(404): return FetchFailure(.gone, failure.reason)
        default: return FetchFailure(.unavailable, failure.reason)
        }
    }

    /// The path in a form that cannot lead elsewhere; `nil` for one that wants to.
    static func address(_ path: String) -> String? {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard !parts.contains(where: { $0.isEmpty || $0 == "." || $0 == ".." }) else { return nil }
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in path.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
                UInt8(ascii: "/"), UInt8(ascii: "~"):
                bytes.append(byte)
            default: bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
