import AdapterKit
import Crypto
import SwitchboardTesting
import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A route that signs, filters, names its events by a path and has words of its own: the contract holds for it, too.
final class SignedFixture: AdapterFixture {
    let program = "switchboard-webhook"
    let chat = "ops"
    let settings: JSONValue
    private let folder: TemporaryFolder
    private let replies: WebhookFixture
    private let key = "signing key"

    init() throws {
        folder = try TemporaryFolder()
        let path = folder.path + "/hook.secret"
        guard let file = fopen(path, "w") else { throw HTTPProbe.Failure(description: "cannot write \(path)") }
        fputs(key, file)
        fclose(file)
        chmod(path, 0o600)
        settings = [
            "listen": "127.0.0.1:0",
            "routes": [
                "ci": [
                    "scheme": "hmac", "secret": .string("file:\(path)"), "header": "X-Sign", "chat": "ops",
                    "dedup": ["$.id"], "template": "{{text}}", "filters": [["path": "text", "exists": true]],
                ],
                "ops": [:],
            ],
        ]
        replies = WebhookFixture(settings: settings, chat: chat)
    }

    func isUp(_ health: Health) async throws { try await replies.isUp(health) }
    func open() async throws { try await replies.open() }
    func taken(_ count: Int) async throws -> [String] { try await replies.taken(count) }

    func show(_ text: String, identity: String) async throws -> AdapterContract.Shown {
        let body: JSONValue = ["id": .string(identity), "text": .string(text)]
        let code = HMAC<SHA256>.authenticationCode(for: body.bytes, using: SymmetricKey(data: Array(key.utf8)))
        let digits = code.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
        do {
            let answer = try await replies.probe.post(
                "/hooks/ci", body.text, headers: ["X-Sign": digits, "Content-Type": "application/json"])
            return switch answer.status {
            case 200..<300: .acknowledged
            case 503: .notNow
            default: .refused
            }
        } catch is HTTPProbe.Failure {
            return .notNow  // the connection broke: to a sender that is no acknowledgement
        }
    }
}
