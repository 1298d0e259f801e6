import AdapterKit
import HTTPTypes

/// How the callers of a route prove who they are.
enum HookScheme: String, CaseIterable, Sendable {
    case bearer, standard, github, gitlab, stripe, slack, sentry, linear, pagerduty, grafana, telegram, discord, hmac
    /// A client's certificate that a declared proxy has verified.
    case mtls

    /// Where an HMAC over the raw body stands and how it is written; `nil` for schemes that do more than that.
    var form: MACForm? {
        switch self {
        case .github: MACForm(header: "X-Hub-Signature-256", prefix: "sha256=")
        case .sentry: MACForm(header: "Sentry-Hook-Signature")
        case .linear: MACForm(header: "Linear-Signature")
        case .grafana: MACForm(header: "X-Grafana-Alerting-Signature")
        case .hmac: MACForm(header: "X-Signature")
        case .mtls: MACForm(header: "X-Client-Cert-Fingerprint")
        default: nil
        }
    }

    /// Whether `header`, `encoding`, `prefix` and their kin may be set.
    var takesForm: Bool { self == .hmac || self == .grafana }
}

/// One HMAC in one header.
struct MACForm: Hashable, Sendable {
    enum Algorithm: String, CaseIterable, Sendable { case sha256, sha512 }
    enum Encoding: String, CaseIterable, Sendable { case hex, base64 }

    var header: String
    var prefix = ""
    var algorithm = Algorithm.sha256
    var encoding = Encoding.hex
    /// When set, `timestamp:body` is what is signed, and the time is held to the window.
    var timestampHeader: String?
}

/// The digits of signatures. Strict: one spelling of a signature is enough.
enum HookDigits {
    static func hexadecimal(_ text: some StringProtocol) -> [UInt8]? {
        let digits = Array(text.utf8)
        guard digits.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(digits.count / 2)
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let high = nibble(digits[index]), let low = nibble(digits[index + 1]) else { return nil }
            bytes.append(high << 4 | low)
        }
        return bytes
    }

    private static func nibble(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x41 + 10
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }

    /// Padded base64 in its one canonical spelling: left-over bits are zero.
    static func base64(_ text: some StringProtocol) -> [UInt8]? {
        let digits = Array(text.utf8)
        guard digits.count.isMultiple(of: 4) else { return nil }
        let padding = digits.suffix(2).reversed().prefix { $0 == UInt8(ascii: "=") }.count
        var bytes: [UInt8] = []
        var bits: UInt32 = 0
        var count = 0
        for digit in digits.dropLast(padding) {
            guard let value = sextet(digit) else { return nil }
            bits = bits << 6 | UInt32(value)
            count += 6
            guard count >= 8 else { continue }
            count -= 8
            bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
            bits &= (1 << UInt32(count)) - 1
        }
        return bits == 0 ? bytes : nil
    }

    static func base64Text(_ bytes: [UInt8]) -> String {
        let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var text: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            var bits = group.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            bits <<= UInt32(8 * (3 - group.count))
            for place in 0..<4 {
                let digit = digits[Int(bits >> UInt32(18 - 6 * place) & 63)]
                text.append(place <= group.count ? digit : UInt8(ascii: "="))
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    private static func sextet(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x41...0x5A: byte - 0x41
        case 0x61...0x7A: byte - 0x61 + 26
        case 0x30...0x39: byte - 0x30 + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }

    /// Seconds since 1970: digits alone, and few enough that reckoning with them cannot overflow.
    static func seconds(_ text: some StringProtocol) -> Int64? {
        guard (1...12).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        return Int64(text)
    }
}
