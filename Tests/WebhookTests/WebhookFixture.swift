import AdapterKit
import SwitchboardTesting
import Synchronization

/// The webhook and its platform, which is anyone with HTTP.
final class WebhookFixture: AdapterFixture {
    let program = "switchboard-webhook"
    let settings: JSONValue
    let chat: String
    private let port = Mutex<UInt16>(0)
    private let streams = Mutex<[HTTPStream]>([])

    init(settings: JSONValue = ["listen": "127.0.0.1:0"], chat: String = "ci") {
        self.settings = settings
        self.chat = chat
    }

    var probe: HTTPProbe { HTTPProbe(port: port.withLock { $0 }) }

    func isUp(_ health: Health) async throws {
        guard let text = health.reason?.split(separator: ":").last, let number = UInt16(text) else {
            throw HTTPProbe.Failure(description: "no port in the health report")
        }
        port.withLock { $0 = number }
    }

    func show(_ text: String, identity: String) async throws -> AdapterContract.Shown {
        let answer: HTTPProbe.Answer
        do {
            answer = try await probe.post("/hooks/\(chat)", text, headers: ["Idempotency-Key": identity])
        } catch is HTTPProbe.Failure {
            return .notNow  // the connection broke: to a caller that is no acknowledgement
        }
        switch answer.status {
        case 200..<300: return .acknowledged
        case 503: return .notNow
        default: return .refused
        }
    }

    func open() async throws {
        let stream = try await probe.stream("/hooks/\(chat)/replies")
        try await stream.says("retry:")
        streams.withLock { $0.append(stream) }
    }

    func taken(_ count: Int) async throws -> [String] {
        let open = streams.withLock { $0 }
        guard let last = open.last else { return [] }
        let before = open.dropLast().flatMap { Self.texts($0.text.value) }
        let text = try await last.text.wait(for: "\(count) replies") { before.count + Self.texts($0).count >= count }
        return before + Self.texts(text)
    }

    static func texts(_ stream: String) -> [String] {
        stream.split(separator: "\n").filter { $0.hasPrefix("data: ") }.compactMap { line in
            do throws(JSONError) {
                return try JSONValue(parsing: String(line.dropFirst(6)))["text"]?.stringValue
            } catch {
                return nil
            }
        }
    }
}
