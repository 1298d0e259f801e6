import AdapterKit
import HTTPTypes

/// The proxy that the configuration says stands in front: it ends TLS, and it may vouch for clients' certificates.
struct DeclaredProxy: Sendable {
    /// What it shows its secret in.
    static let header = HTTPField.Name("X-Switchboard-Proxy")!

    static let shape = [
        Setting("from", .list(.text), "the proxy's addresses, such as 10.0.0.2", isRequired: true),
        Setting(
            "secret", .secret,
            "what the proxy writes into X-Switchboard-Proxy; needed for the scheme mtls, whose header anybody could send"
        ),
    ]

    let addresses: Set<[UInt8]>
    let secret: String?

    /// - Parameter problems: gets all that is wrong.
    init?(_ reader: SettingReader, problems: inout [AdapterProblem]) {
        let count = problems.count
        var addresses: Set<[UInt8]> = []
        for entry in reader.settings["from"]?.arrayValue ?? [] {
            guard let text = entry.stringValue else { continue }
            if let address = ListenAddress(host: text, port: 0) {
                addresses.insert(address.mappedIPv4 ?? address.bytes)
            } else {
                problems.append(
                    AdapterProblem(
                        path: "\(reader.path).from", code: "address", message: "\(text.prefix(80)) is no address",
                        mend: "write a numeric address, such as 10.0.0.2 or ::1"))
            }
        }
        secret = reader.secrets("secret", problems: &problems).first
        self.addresses = addresses
        guard problems.count == count else { return nil }
    }

    func isProxy(_ peer: ListenAddress?) -> Bool {
        guard let peer else { return false }
        return addresses.contains(peer.mappedIPv4 ?? peer.bytes)
    }

    /// Whether what the request says about its client comes from the proxy itself.
    func vouches(_ headers: HTTPFields, from peer: ListenAddress?) -> Bool {
        guard isProxy(peer), let secret, let shown = headers[Self.header] else { return false }
        return HookGate.matches(shown, any: [secret])
    }
}
