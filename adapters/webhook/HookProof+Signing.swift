import AdapterKit
import Crypto

/// The sender's half of each scheme, for trying a route out with the secret of its own settings.
extension HookProof {
    /// Why we cannot stand in for the sender.
    struct Unsignable: Error, Hashable {
        let message: String
    }

    /// The headers with which a genuine sender would send this body now.
    /// - Parameters:
    ///   - now: seconds since 1970.
    ///   - id: what the sender calls the message, where the scheme signs that.
    func headers(signing raw: [UInt8], now: Int64, id: String) throws(Unsignable) -> [(name: String, value: String)] {
        let key = try sharedKey()
        let time = String(now)
        func hexadecimal(_ signed: [UInt8]) -> String { Self.hexadecimal(Self.code(signed, key, .sha256)) }
        switch scheme {
        case .bearer: throw Unsignable(message: "a bearer route has nothing to sign")
        case .mtls: throw Unsignable(message: "only the proxy can show a client's certificate")
        case .discord: throw Unsignable(message: "only the sender has the private key")
        case .standard: return Self.standard(raw, key, time, id)
        case .gitlab:
            guard key.starts(with: Array("whsec_".utf8)) else {
                return [("X-Gitlab-Token", String(decoding: key, as: UTF8.self))]
            }
            let bytes = HookDigits.base64(String(decoding: key.dropFirst(6), as: UTF8.self)) ?? []
            return Self.standard(raw, bytes, time, id)
        case .telegram: return [("X-Telegram-Bot-Api-Secret-Token", String(decoding: key, as: UTF8.self))]
        case .stripe:
            return [("Stripe-Signature", "t=\(time),v1=\(hexadecimal(Array("\(time).".utf8) + raw))")]
        case .pagerduty: return [("X-PagerDuty-Signature", "v1=\(hexadecimal(raw))")]
        case .slack:
            return [
                ("X-Slack-Request-Timestamp", time),
                ("X-Slack-Signature", "v0=\(hexadecimal(Array("v0:\(time):".utf8) + raw))"),
            ]
        case .github, .sentry, .linear, .grafana, .hmac:
            guard let form else { throw Unsignable(message: "the scheme has no form") }
            var signed = raw
            var headers: [(name: String, value: String)] = []
            if let name = form.timestampHeader {
                signed = Array("\(time):".utf8) + raw
                headers.append((name, time))
            }
            let code = Self.code(signed, key, form.algorithm)
            let digits = form.encoding == .hex ? Self.hexadecimal(code) : HookDigits.base64Text(code)
            headers.append((form.header, form.prefix + digits))
            return headers
        }
    }

    private func sharedKey() throws(Unsignable) -> [UInt8] {
        for case .shared(let key) in keys { return key }
        throw Unsignable(message: "only the sender has the private key")
    }

    private static func standard(_ raw: [UInt8], _ key: [UInt8], _ time: String, _ id: String) -> [(
        name: String, value: String
    )] {
        let code = code(Array("\(id).\(time).".utf8) + raw, key, .sha256)
        return [
            ("webhook-id", id), ("webhook-timestamp", time),
            ("webhook-signature", "v1," + HookDigits.base64Text(code)),
        ]
    }

    private static func code(_ signed: [UInt8], _ key: [UInt8], _ algorithm: MACForm.Algorithm) -> [UInt8] {
        let key = SymmetricKey(data: key)
        return switch algorithm {
        case .sha256: Array(HMAC<SHA256>.authenticationCode(for: signed, using: key))
        case .sha512: Array(HMAC<SHA512>.authenticationCode(for: signed, using: key))
        }
    }

    private static func hexadecimal(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
