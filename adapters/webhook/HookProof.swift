import AdapterKit
import Crypto
import HTTPTypes

/// What a route checks of every request: a signature over the body as it came, or a token.
///
/// Every secret of the route is tried, so that one can be changed without a gap. Comparisons take the same time
/// whatever fits. A missing header is a failure, never a reason to skip.
struct HookProof: Sendable {
    enum Key: Sendable {
        case shared([UInt8])
        case publicKey(Curve25519.Signing.PublicKey)
    }

    /// Why a request is not genuine. For the log; the caller learns only that it is not.
    enum Failure: String, Error, Hashable {
        case missingHeader = "missing-header"
        case malformed
        case expired
        case mismatch
        /// A certificate's name that the proxy did not write.
        case unvouched
    }

    /// A secret that cannot be a key of the scheme.
    struct UnfitSecret: Error, Hashable {
        let message: String
    }

    /// What senders of signed times advise, in seconds to both sides.
    static let standardTolerance: Int64 = 300

    let scheme: HookScheme
    let form: MACForm?
    let tolerance: Int64
    let keys: [Key]

    init(
        scheme: HookScheme, form: MACForm? = nil, secrets: [String], tolerance: Int64 = standardTolerance
    ) throws(UnfitSecret) {
        self.scheme = scheme
        self.form = form ?? scheme.form
        self.tolerance = tolerance
        var keys: [Key] = []
        for secret in secrets { keys.append(try Self.key(secret, for: scheme)) }
        self.keys = keys
    }

    private static func key(_ secret: String, for scheme: HookScheme) throws(UnfitSecret) -> Key {
        guard !secret.isEmpty else { throw UnfitSecret(message: "the secret is empty") }
        switch scheme {
        case .standard where secret.hasPrefix("whpk_"):
            return .publicKey(try publicKey(HookDigits.base64(secret.dropFirst(5))))
        case .standard:
            let bytes = HookDigits.base64(secret.hasPrefix("whsec_") ? secret.dropFirst(6) : secret[...])
            guard let bytes, (24...64).contains(bytes.count) else {
                throw UnfitSecret(message: "the secret is not whsec_ with 24 to 64 bytes in base64")
            }
            return .shared(bytes)
        case .gitlab where secret.hasPrefix("whsec_"):
            guard let bytes = HookDigits.base64(secret.dropFirst(6)), !bytes.isEmpty else {
                throw UnfitSecret(message: "the signing token is not whsec_ with base64 behind it")
            }
            return .shared(Array(secret.utf8))
        case .discord: return .publicKey(try publicKey(HookDigits.hexadecimal(secret)))
        default: return .shared(Array(secret.utf8))
        }
    }

    private static func publicKey(_ bytes: [UInt8]?) throws(UnfitSecret) -> Curve25519.Signing.PublicKey {
        do {
            return try Curve25519.Signing.PublicKey(rawRepresentation: bytes ?? [])
        } catch {
            throw UnfitSecret(message: "the secret is no ed25519 public key of 32 bytes")
        }
    }

    // MARK: Judging

    /// - Parameter now: seconds since 1970.
    /// - Throws: why the request is not from whom it should be.
    func verify(_ headers: HTTPFields, _ raw: [UInt8], now: Int64) throws(Failure) {
        switch scheme {
        case .bearer: throw .missingHeader  // judged by the gate, before the body
        case .standard: try verifyStandard(headers, raw, now, keys)
        case .gitlab: try verifyGitLab(headers, raw, now)
        case .mtls: try verifyToken(try header(form?.header ?? "", headers), keys)
        case .telegram: try verifyToken(try header("X-Telegram-Bot-Api-Secret-Token", headers), keys)
        case .stripe:
            let parts = Self.pairs(try header("Stripe-Signature", headers))
            guard let time = parts.first(where: { $0.key == "t" })?.value else { throw .malformed }
            try checkTime(time, now)
            try verifyAny(parts, signed: Array("\(time).".utf8) + raw)
        case .pagerduty: try verifyAny(Self.pairs(try header("X-PagerDuty-Signature", headers)), signed: raw)
        case .slack:
            let time = try header("X-Slack-Request-Timestamp", headers)
            try checkTime(time, now)
            let form = MACForm(header: "X-Slack-Signature", prefix: "v0=")
            try verifyMAC(try header(form.header, headers), form, Array("v0:\(time):".utf8) + raw)
        case .discord:
            let time = try header("X-Signature-Timestamp", headers)
            let shown = try header("X-Signature-Ed25519", headers)
            try checkTime(time, now)
            guard let signature = HookDigits.hexadecimal(shown), signature.count == 64 else { throw .malformed }
            guard isSigned(Array(time.utf8) + raw, signature, keys) else { throw .mismatch }
        case .github, .sentry, .linear, .grafana, .hmac:
            guard let form else { throw .malformed }
            var signed = raw
            if let name = form.timestampHeader {
                let time = try header(name, headers)
                try checkTime(time, now)
                signed = Array("\(time):".utf8) + raw
            }
            try verifyMAC(try header(form.header, headers), form, signed)
            if scheme == .linear { try checkLinearTime(raw, now) }
        }
    }

    private func verifyStandard(_ headers: HTTPFields, _ raw: [UInt8], _ now: Int64, _ keys: [Key]) throws(Failure) {
        let id = try header("webhook-id", headers)
        let time = try header("webhook-timestamp", headers)
        let shown = try header("webhook-signature", headers)
        // A dot in the id would let one part of what is signed pass for another.
        guard !id.contains("."), (1...256).contains(id.utf8.count) else { throw .malformed }
        try checkTime(time, now)
        let signed = Array("\(id).\(time).".utf8) + raw
        for part in shown.split(separator: " ") {
            if part.hasPrefix("v1,"), let code = HookDigits.base64(part.dropFirst(3)) {
                if isAuthentic(signed, code, .sha256, keys) { return }
            } else if part.hasPrefix("v1a,"), let signature = HookDigits.base64(part.dropFirst(4)) {
                if isSigned(signed, signature, keys) { return }
            }
        }
        throw .mismatch
    }

    /// A secret `whsec_…` is a signing token, any other is shown as it is. Never one for the other: a signing token
    /// that were also taken as a shown one would be only as good as a password.
    private func verifyGitLab(_ headers: HTTPFields, _ raw: [UInt8], _ now: Int64) throws(Failure) {
        let prefix = Array("whsec_".utf8)
        var tokens: [Key] = []
        var signing: [Key] = []
        for case .shared(let secret) in keys {
            guard secret.starts(with: prefix) else {
                tokens.append(.shared(secret))
                continue
            }
            let encoded = String(decoding: secret.dropFirst(prefix.count), as: UTF8.self)
            if let bytes = HookDigits.base64(encoded), !bytes.isEmpty { signing.append(.shared(bytes)) }
        }
        if !signing.isEmpty, headers[Self.name("webhook-signature")] != nil {
            return try verifyStandard(headers, raw, now, signing)
        }
        guard !tokens.isEmpty else { throw .missingHeader }
        try verifyToken(try header("X-Gitlab-Token", headers), tokens)
    }

    private func verifyToken(_ shown: String, _ keys: [Key]) throws(Failure) {
        let digest = SHA256.hash(data: Array(shown.utf8))
        var isMatch = false
        for case .shared(let token) in keys { isMatch = SHA256.hash(data: token) == digest || isMatch }
        guard isMatch else { throw .mismatch }
    }

    /// Any `v1` of a comma-separated list.
    private func verifyAny(_ parts: [(key: String, value: String)], signed: [UInt8]) throws(Failure) {
        for part in parts where part.key == "v1" {
            if let code = HookDigits.hexadecimal(part.value), isAuthentic(signed, code, .sha256, keys) { return }
        }
        throw .mismatch
    }

    private func verifyMAC(_ shown: String, _ form: MACForm, _ signed: [UInt8]) throws(Failure) {
        guard shown.hasPrefix(form.prefix) else { throw .malformed }
        let digits = shown.dropFirst(form.prefix.count)
        let code = form.encoding == .hex ? HookDigits.hexadecimal(digits) : HookDigits.base64(digits)
        guard let code, !code.isEmpty else { throw .malformed }
        guard isAuthentic(signed, code, form.algorithm, keys) else { throw .mismatch }
    }

    private func isAuthentic(_ signed: [UInt8], _ code: [UInt8], _ algorithm: MACForm.Algorithm, _ keys: [Key]) -> Bool
    {
        var isMatch = false
        for case .shared(let secret) in keys {
            let key = SymmetricKey(data: secret)
            let fits =
                switch algorithm {
                case .sha256: HMAC<SHA256>.isValidAuthenticationCode(code, authenticating: signed, using: key)
                case .sha512: HMAC<SHA512>.isValidAuthenticationCode(code, authenticating: signed, using: key)
                }
            isMatch = fits || isMatch
        }
        return isMatch
    }

    private func isSigned(_ signed: [UInt8], _ signature: [UInt8], _ keys: [Key]) -> Bool {
        for case .publicKey(let key) in keys where key.isValidSignature(signature, for: signed) { return true }
        return false
    }

    // MARK: Parts

    private func checkTime(_ text: String, _ now: Int64) throws(Failure) {
        guard let time = HookDigits.seconds(text) else { throw .malformed }
        guard abs(now - time) <= tolerance else { throw .expired }
    }

    /// Linear signs its time inside the body, in milliseconds, and advises a minute.
    private func checkLinearTime(_ raw: [UInt8], _ now: Int64) throws(Failure) {
        let time: Int64?
        do throws(JSONError) {
            time = try JSONValue(parsing: raw)["webhookTimestamp"]?.integerValue
        } catch {
            throw .malformed
        }
        guard let time, EventHead.times.contains(time) else { throw .malformed }
        guard abs(now * 1000 - time) <= min(tolerance, 60) * 1000 else { throw .expired }
    }

    private func header(_ name: String, _ headers: HTTPFields) throws(Failure) -> String {
        guard let value = headers[Self.name(name)], !value.isEmpty else { throw .missingHeader }
        return value
    }

    /// A configured name was checked when the settings were read; the others are ours.
    private static func name(_ text: String) -> HTTPField.Name { HTTPField.Name(text) ?? .authorization }

    private static func pairs(_ text: String) -> [(key: String, value: String)] {
        text.split(separator: ",").compactMap { part in
            let sides = part.split(separator: "=", maxSplits: 1)
            guard sides.count == 2 else { return nil }
            return (sides[0].filter { $0 != " " }, String(sides[1]))
        }
    }
}
