import AdapterKit
import Crypto

/// Where a route's answers are posted to, and how they are signed. The receiver verifies them as Standard Webhooks.
struct HookCallback: Sendable {
    /// Longest address, in bytes.
    static let urlLimit = 2_000
    /// After a try that failed, so long until the next one, in milliseconds; then the answer is given up.
    static let ladder: [Int64] = [5_000, 30_000, 300_000, 1_800_000, 3_600_000, 3_600_000, 3_600_000, 3_600_000]
    /// How long the receiver may take to answer.
    static let patience = Duration.seconds(15)

    /// `nil` when only requests name theirs.
    var url: CallbackURL?
    /// Whether a request may name its own.
    var takesRequests: Bool
    /// Whether targets on this machine and in private networks are allowed.
    var allowsPrivate: Bool
    let key: [UInt8]

    /// The headers that prove a body, and name it the same at every try.
    /// - Parameter now: seconds since 1970.
    func headers(for body: [UInt8], id: String, now: Int64) -> [(name: String, value: String)] {
        let signed = Array("\(id).\(now).".utf8) + body
        let code = HMAC<SHA256>.authenticationCode(for: signed, using: SymmetricKey(data: key))
        return [
            ("content-type", "application/json"), ("webhook-id", id), ("webhook-timestamp", String(now)),
            ("webhook-signature", "v1," + HookDigits.base64Text(Array(code))),
            ("user-agent", "Switchboard/\(SwitchboardVersion.current)"),
        ]
    }

    static func body(_ text: String, route: String, event: String?, now: Int64) -> [UInt8] {
        var data: JSONObject = ["route": .string(route), "text": .string(text)]
        if let event { data["event_id"] = .string(event) }
        let message: JSONValue = [
            "type": "switchboard.reply", "timestamp": .string(Timestamp.text(milliseconds: now)), "data": .object(data),
        ]
        return message.bytes
    }

    /// Names one answer the same at every try, also in another process.
    static func id(of work: String, source: String) -> String { "msg_" + HookSummary.digest([source, work]) }
}

/// An `http` or `https` address, taken apart as far as it matters who is called.
struct CallbackURL: Hashable, Sendable {
    let text: String
    let host: String
    let port: Int
    let isSecure: Bool

    /// - Returns: `nil` for anything but a plain address: no user, no control characters, no fragment.
    init?(_ text: String) {
        guard text.utf8.count <= HookCallback.urlLimit, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x5C })
        else { return nil }
        let scheme: String
        if text.hasPrefix("https://") {
            scheme = "https://"
        } else if text.hasPrefix("http://") {
            scheme = "http://"
        } else {
            return nil
        }
        isSecure = scheme == "https://"
        let rest = text.dropFirst(scheme.count)
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        guard !authority.contains("@"), !text.contains("#") else { return nil }
        var host = authority
        var port = isSecure ? 443 : 80
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]") else { return nil }
            host = authority[authority.index(after: authority.startIndex)..<end]
            let tail = authority[authority.index(after: end)...]
            guard tail.isEmpty || tail.hasPrefix(":") else { return nil }
            if !tail.isEmpty {
                guard let number = Int(tail.dropFirst()) else { return nil }
                port = number
            }
            guard ListenAddress(host: String(host), port: port) != nil else { return nil }
        } else if let colon = authority.firstIndex(of: ":") {
            host = authority[..<colon]
            guard let number = Int(authority[authority.index(after: colon)...]) else { return nil }
            port = number
        }
        guard (1...65_535).contains(port), (1...253).contains(host.utf8.count) else { return nil }
        self.text = text
        self.host = String(host)
        self.port = port
    }
}

/// Addresses that an answer must not be posted to unless the configuration says so: this machine, private networks,
/// and what is none of either but leads there.
enum PrivateAddress {
    /// - Parameter bytes: 4 or 16, in network order.
    static func contains(_ bytes: [UInt8]) -> Bool {
        if bytes.count == 4 { return containsIPv4(bytes) }
        guard bytes.count == 16 else { return true }
        // IPv4 inside IPv6: mapped, compatible, NAT64, 6to4. Judged by what is inside.
        if bytes[..<10].allSatisfy({ $0 == 0 }), bytes[10] == bytes[11], bytes[10] == 0 || bytes[10] == 0xFF {
            return containsIPv4(Array(bytes[12...]))
        }
        if bytes.starts(with: [0x00, 0x64, 0xFF, 0x9B]) { return containsIPv4(Array(bytes[12...])) }
        if bytes.starts(with: [0x20, 0x02]) { return containsIPv4(Array(bytes[2..<6])) }
        // Only 2000::/3 is the public Internet; Teredo and documentation are not.
        guard bytes[0] & 0xE0 == 0x20 else { return true }
        return bytes.starts(with: [0x20, 0x01, 0x00, 0x00]) || bytes.starts(with: [0x20, 0x01, 0x0D, 0xB8])
    }

    private static func containsIPv4(_ bytes: [UInt8]) -> Bool {
        switch (bytes[0], bytes[1]) {
        case (0, _), (10, _), (127, _), (224...255, _): true
        case (100, 64...127): true  // carrier-grade NAT
        case (169, 254): true  // link-local, and where clouds keep their credentials
        case (172, 16...31), (192, 168): true
        case (192, 0): bytes[2] == 0 || bytes[2] == 2
        case (198, 18...19): true
        case (198, 51): bytes[2] == 100
        case (203, 0): bytes[2] == 113
        default: false
        }
    }
}
