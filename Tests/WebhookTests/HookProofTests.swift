import AdapterKit
import Crypto
import HTTPTypes
import SwitchboardTesting
import Testing

@testable import switchboard_webhook

/// Published and computed vectors of every scheme, then the same with every byte changed.
@Suite struct HookProofTests {
    struct Vector: Sendable, CustomTestStringConvertible {
        var name: String
        var scheme: HookScheme
        var secret: String
        var headers: [String: String]
        var body = #"{"ok":true}"#
        var form: MACForm?
        var now: Int64 = 1_700_000_000
        /// Headers that carry what is verified; the others may be anything.
        var signed: [String]

        var testDescription: String { name }
    }

    private static let code = "8233aa2f0e1e716deccd58375b09a3fa32418a0ed0dd71a408c45a12e804a897"
    private static let standardHeaders = [
        "webhook-id": "msg_1", "webhook-timestamp": "1700000000",
        "webhook-signature": "v1,VYDbSFf7CVym03xR1CJj4NTi8S2ERnw5g6wiqzsoPKk=",
    ]
    private static let key = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
    private static let linearBody = #"{"action":"create","webhookTimestamp":1700000000000}"#

    private static func mac(_ text: String, _ secret: String) -> String {
        let code = HMAC<SHA256>.authenticationCode(
            for: Array(text.utf8), using: SymmetricKey(data: Array(secret.utf8)))
        return code.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    static let vectors: [Vector] = [
        Vector(
            name: "standard", scheme: .standard, secret: key, headers: standardHeaders,
            signed: ["webhook-id", "webhook-timestamp", "webhook-signature"]),
        Vector(
            name: "standard ed25519", scheme: .standard, secret: "whpk_A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=",
            headers: [
                "webhook-id": "msg_1", "webhook-timestamp": "1700000000",
                "webhook-signature":
                    "v1a,4qVQqq3eEZgwWYJsmal8MDLhx9v2o+qFxuZeFLmf7p5FuhljrGqQ8kNf5N2g8DwBugSsGJ/sDXsfJ91vA6MRCA==",
            ], signed: ["webhook-id", "webhook-timestamp", "webhook-signature"]),
        Vector(
            name: "github, its own", scheme: .github, secret: "It's a Secret to Everybody",
            headers: [
                "X-Hub-Signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
            ], body: "Hello, World!", signed: ["X-Hub-Signature-256"]),
        Vector(
            name: "github", scheme: .github, secret: "topsecret", headers: ["X-Hub-Signature-256": "sha256=\(code)"],
            signed: ["X-Hub-Signature-256"]),
        Vector(
            name: "gitlab token", scheme: .gitlab, secret: "topsecret", headers: ["X-Gitlab-Token": "topsecret"],
            signed: ["X-Gitlab-Token"]),
        Vector(
            name: "gitlab signing token", scheme: .gitlab, secret: key, headers: standardHeaders,
            signed: ["webhook-id", "webhook-timestamp", "webhook-signature"]),
        Vector(
            name: "stripe", scheme: .stripe, secret: "topsecret",
            headers: [
                "Stripe-Signature":
                    "t=1700000000,v1=8fe134c3d4bb3fa2a91d2c297966cfe17e69e2283debc22ccb7444b52a840332"
            ], signed: ["Stripe-Signature"]),
        Vector(
            name: "slack", scheme: .slack, secret: "topsecret",
            headers: [
                "X-Slack-Request-Timestamp": "1700000000",
                "X-Slack-Signature": "v0=f5fe81794decd1a1895bf504654b1838406eb9f6fc2d273b52ba7be58621c739",
            ], signed: ["X-Slack-Request-Timestamp", "X-Slack-Signature"]),
        Vector(
            name: "sentry", scheme: .sentry, secret: "topsecret", headers: ["Sentry-Hook-Signature": code],
            signed: ["Sentry-Hook-Signature"]),
        Vector(
            name: "linear", scheme: .linear, secret: "topsecret",
            headers: ["Linear-Signature": mac(linearBody, "topsecret")], body: linearBody,
            signed: ["Linear-Signature"]),
        Vector(
            name: "pagerduty", scheme: .pagerduty, secret: "topsecret",
            headers: ["X-PagerDuty-Signature": "v1=\(code)"], signed: ["X-PagerDuty-Signature"]),
        Vector(
            name: "grafana with time", scheme: .grafana, secret: "topsecret",
            headers: [
                "X-Grafana-Alerting-Signature": "38a4c3c0d9f3eaa2316d08c5297ab1cfc3dd8dcd77301e293b3795855a1c9801",
                "X-Time": "1700000000",
            ], form: MACForm(header: "X-Grafana-Alerting-Signature", timestampHeader: "X-Time"),
            signed: ["X-Grafana-Alerting-Signature", "X-Time"]),
        Vector(
            name: "telegram", scheme: .telegram, secret: "topsecret",
            headers: ["X-Telegram-Bot-Api-Secret-Token": "topsecret"], signed: ["X-Telegram-Bot-Api-Secret-Token"]),
        Vector(
            name: "discord", scheme: .discord,
            secret: "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8",
            headers: [
                "X-Signature-Timestamp": "1700000000",
                "X-Signature-Ed25519":
                    "a032ff6bd261d258982b974b4f1464e01ec7eb2573584f5fe52ba39a5ac00f6f13e20a64e62bc071b9cf4e7565eb78e2450e2a166a75e2e0317ebe799aa45e0c",
            ], signed: ["X-Signature-Timestamp", "X-Signature-Ed25519"]),
        Vector(
            name: "hmac", scheme: .hmac, secret: "topsecret", headers: ["X-Mine": "sig:\(code)"],
            form: MACForm(header: "X-Mine", prefix: "sig:"), signed: ["X-Mine"]),
    ]

    private func fields(_ headers: [String: String]) -> HTTPFields {
        var fields = HTTPFields()
        for (name, value) in headers { fields[HTTPField.Name(name)!] = value }
        return fields
    }

    private func failure(
        _ vector: Vector, headers: [String: String]? = nil, body: [UInt8]? = nil, now: Int64? = nil,
        secrets: [String]? = nil
    ) throws -> HookProof.Failure? {
        let proof = try HookProof(scheme: vector.scheme, form: vector.form, secrets: secrets ?? [vector.secret])
        do throws(HookProof.Failure) {
            try proof.verify(fields(headers ?? vector.headers), body ?? Array(vector.body.utf8), now: now ?? vector.now)
            return nil
        } catch {
            return error
        }
    }

    @Test(arguments: vectors) func takesWhatIsGenuine(_ vector: Vector) throws {
        #expect(try failure(vector) == nil)
    }

    @Test(arguments: vectors) func refusesABodyChangedAnywhere(_ vector: Vector) throws {
        let isToken = vector.scheme == .telegram || vector.name == "gitlab token"
        guard !isToken else { return }
        let body = Array(vector.body.utf8)
        for index in body.indices {
            for bit in 0..<8 {
                var other = body
                other[index] ^= 1 << UInt8(bit)
                #expect(try failure(vector, body: other) != nil, "byte \(index) bit \(bit)")
            }
        }
        #expect(try failure(vector, body: body + [0x20]) != nil)
        #expect(try failure(vector, body: Array(body.dropLast())) != nil)
        #expect(try failure(vector, body: []) != nil)
    }

    @Test(arguments: vectors) func refusesAHeaderChangedAnywhere(_ vector: Vector) throws {
        for name in vector.signed {
            let value = Array(try #require(vector.headers[name]).utf8)
            for index in value.indices {
                // A digit for a digit, so that not only the form is what is refused. A hex letter's case is the same digit.
                for replacement in [UInt8(ascii: "3"), UInt8(ascii: "4")] where value[index] != replacement {
                    var other = value
                    other[index] = replacement
                    var headers = vector.headers
                    headers[name] = String(decoding: other, as: UTF8.self)
                    #expect(try failure(vector, headers: headers) != nil, "\(name) at \(index)")
                }
            }
            var headers = vector.headers
            headers[name] = nil
            #expect(try failure(vector, headers: headers) != nil, "\(name) missing")
            headers[name] = ""
            #expect(try failure(vector, headers: headers) != nil, "\(name) empty")
        }
    }

    @Test(arguments: vectors) func holdsTheTimeWindow(_ vector: Vector) throws {
        let hasTime =
            vector.signed.contains { $0.lowercased().contains("time") } || [.stripe, .linear].contains(vector.scheme)
        let window: Int64 = vector.scheme == .linear ? 60 : 300
        for (offset, isIn) in [(window, true), (-window, true), (window + 1, false), (-window - 1, false)] {
            #expect((try failure(vector, now: vector.now + offset) == nil) == (isIn || !hasTime), "\(offset)")
        }
    }

    @Test(arguments: vectors) func anySecretOfARotationFitsAndNoOther(_ vector: Vector) throws {
        let other =
            switch vector.scheme {
            case .standard where vector.secret.hasPrefix("whpk_"): vector.secret
            case .standard: "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
            case .gitlab where vector.secret.hasPrefix("whsec_"): "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
            case .discord: vector.secret
            default: "another"
            }
        #expect(try failure(vector, secrets: [other, vector.secret]) == nil)
        if other != vector.secret { #expect(try failure(vector, secrets: [other]) != nil) }
    }

    @Test func listsOfSignaturesPassByAnyKnownOne() throws {
        let standard = try #require(Self.vectors.first { $0.name == "standard" })
        var headers = standard.headers
        headers["webhook-signature"] = "v2,AAAA v1,AAAA \(standard.headers["webhook-signature"]!)"
        #expect(try failure(standard, headers: headers) == nil)
        let pager = try #require(Self.vectors.first { $0.name == "pagerduty" })
        #expect(try failure(pager, headers: ["X-PagerDuty-Signature": "v1=00,v1=\(Self.code)"]) == nil)
        #expect(try failure(pager, headers: ["X-PagerDuty-Signature": "v0=\(Self.code)"]) == .mismatch)
    }

    @Test func aSigningTokenIsNeverTakenAsAShownOne() throws {
        let vector = try #require(Self.vectors.first { $0.name == "gitlab signing token" })
        #expect(try failure(vector, headers: ["X-Gitlab-Token": Self.key]) == .missingHeader)
    }

    @Test func timesThatCannotBeReckonedWithAreRefused() throws {
        let vector = try #require(Self.vectors.first { $0.name == "slack" })
        for time in ["-1", "+1700000000", "9223372036854775807", "-9223372036854775808", "1e9", " ", "１７"] {
            var headers = vector.headers
            headers["X-Slack-Request-Timestamp"] = time
            #expect(try failure(vector, headers: headers) != nil, "\(time)")
        }
    }

    @Test(arguments: [
        (HookScheme.standard, "topsecret"), (.standard, "whsec_AAAA"), (.standard, "whpk_AAAA"), (.discord, "zz"),
        (.discord, "00"), (.gitlab, "whsec_%"), (.github, ""),
    ]) func unfitSecretsAreNamedAtOnce(_ scheme: HookScheme, _ secret: String) {
        #expect(throws: HookProof.UnfitSecret.self) { try HookProof(scheme: scheme, secrets: [secret]) }
    }

    // MARK: Our own signatures

    private static let signing: [(HookScheme, String, MACForm?)] = [
        (.standard, "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", nil), (.github, "s", nil),
        (.gitlab, "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", nil), (.gitlab, "token", nil),
        (.stripe, "whsec_x", nil), (.slack, "s", nil), (.sentry, "s", nil), (.linear, "s", nil), (.pagerduty, "s", nil),
        (.grafana, "s", nil), (.grafana, "s", MACForm(header: "X-G", timestampHeader: "X-T")), (.telegram, "s", nil),
        (
            .hmac, "s",
            MACForm(header: "X-S", prefix: "v=", algorithm: .sha512, encoding: .base64, timestampHeader: "X-T")
        ),
        (.hmac, "s", MACForm(header: "X-S")),
    ]

    /// What `send --sign` makes a route takes; with one bit turned anywhere, in body or headers, it does not.
    @Test(arguments: signing.indices) func whatWeSignIsTakenAndNothingBesideIt(_ index: Int) throws {
        let (scheme, secret, form) = Self.signing[index]
        let proof = try HookProof(
            scheme: scheme, form: form, secrets: [secret])
        let raw = Array(Self.linearBody.utf8)
        let now: Int64 = 1_700_000_000
        let headers = try proof.headers(signing: raw, now: now, id: "msg_7")
        func fields(_ changed: Int? = nil, _ value: String = "") throws -> HTTPFields {
            var fields = HTTPFields()
            for (place, header) in headers.enumerated() {
                fields[try #require(HTTPField.Name(header.name))] = place == changed ? value : header.value
            }
            return fields
        }
        try proof.verify(try fields(), raw, now: now)
        let signsBody = scheme != .telegram && !(scheme == .gitlab && secret == "token")
        for place in raw.indices where signsBody {
            var tampered = raw
            tampered[place] ^= 1
            #expect(throws: HookProof.Failure.self, "\(scheme) \(place)") {
                try proof.verify(try fields(), tampered, now: now)
            }
        }
        for (place, header) in headers.enumerated() {
            for position in header.value.utf8.indices {
                var value = Array(header.value.utf8)
                value[header.value.utf8.distance(from: header.value.utf8.startIndex, to: position)] ^= 1
                let text = String(decoding: value, as: UTF8.self)
                #expect(throws: HookProof.Failure.self, "\(scheme) \(header.name) \(text)") {
                    try proof.verify(try fields(place, text), raw, now: now)
                }
            }
        }
    }

    @Test func nobodySignsWithAPublicKey() throws {
        let key = "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8"
        let proof = try HookProof(scheme: .discord, secrets: [key])
        #expect(throws: HookProof.Unsignable.self) { try proof.headers(signing: [], now: 0, id: "x") }
    }
}
