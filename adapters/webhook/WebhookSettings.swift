import AdapterKit

/// The name of a hook, which is its chat: 1 to 64 of letters, digits, `.`, `_` and `-`.
struct HookName: Hashable, Sendable {
    let text: String

    init?(_ text: some StringProtocol) {
        guard (1...64).contains(text.utf8.count), text != ".", text != "..", text.utf8.allSatisfy(Self.isAllowed) else {
            return nil
        }
        self.text = String(text)
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: return true
        default: return byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
        }
    }
}

/// The adapter's settings, with secrets resolved.
struct WebhookSettings: Sendable {
    static let standardListen = "127.0.0.1:8441"

    static let shape = [
        Setting("listen", .text, "address and port, such as 127.0.0.1:8441", standard: .string(standardListen)),
        Setting(
            "routes", .map(.object(HookRoute.shape)),
            "hook names that are taken; without any, every name is taken from this machine"),
        Setting(
            "tls",
            .object([
                Setting("certificate", .text, "the certificate and its chain, a PEM file", isRequired: true),
                Setting("key", .secret, "its private key, PEM", isRequired: true),
            ]), "HTTPS without a proxy"),
        Setting("proxy", .object(DeclaredProxy.shape), "a proxy in front that ends TLS; nobody else is let in then"),
        Setting(
            "originals",
            .object([
                Setting("days", .integer(0...365), "how long a request is kept as it came; 0 keeps none", standard: 7),
                Setting("megabytes", .integer(1...10_000), "how much of them in all; the oldest go", standard: 100),
            ]), "requests as they came, for download_attachment"),
    ]

    struct TLS: Sendable {
        /// The certificate's path.
        let certificate: String
        /// PEM.
        let key: String
    }

    let listen: ListenAddress
    /// `nil` when none are configured and any name is taken.
    let routes: [HookName: HookRoute]?
    let tls: TLS?
    let proxy: DeclaredProxy?
    /// Days and bytes; zero days keep none.
    let originals: (days: Int64, bytes: Int64)

    /// - Parameter section: the name under `adapters`, for what a person is told to change.
    /// - Throws: all problems at once.
    init(_ settings: JSONValue, secrets: SecretResolver, section: String) throws(AdapterFailure) {
        var problems: [AdapterProblem] = []
        let listenText = settings["listen"]?.stringValue ?? Self.standardListen
        let listen = ListenAddress(listenText)
        if listen == nil {
            problems.append(
                AdapterProblem(
                    path: "listen", code: "address", message: "\(listenText.prefix(80)) is no address with a port",
                    mend: "write a numeric address and a port, such as \(Self.standardListen) or [::1]:8441"))
        }
        var routes: [HookName: HookRoute]?
        if let members = settings["routes"]?.objectValue, !members.isEmpty {
            var found: [HookName: HookRoute] = [:]
            for member in members {
                let route = HookRoute(member, secrets: secrets, section: section, problems: &problems)
                if let route { found[route.name] = route }
            }
            routes = found
        }
        func reader(_ key: String) -> SettingReader? {
            settings[key].map { SettingReader(settings: $0, path: key, section: section, secrets: secrets) }
        }
        proxy = reader("proxy").flatMap { DeclaredProxy($0, problems: &problems) }
        tls = reader("tls").flatMap { reader in
            reader.secrets("key", problems: &problems).first.flatMap { key in
                reader.settings["certificate"]?.stringValue.map { TLS(certificate: $0, key: key) }
            }
        }
        let days = settings["originals"]?["days"]?.integerValue ?? 7
        originals = (days, (settings["originals"]?["megabytes"]?.integerValue ?? 100) << 20)
        problems += Self.clashes(routes ?? [:])
        problems += Self.unvouched(routes ?? [:], proxy)
        if let listen, !listen.isLoopback {
            problems += Self.exposure(listen, settings, isCovered: tls != nil || proxy != nil)
        }
        guard problems.isEmpty, let listen else { throw AdapterFailure(problems) }
        self.listen = listen
        self.routes = routes
    }

    /// Paths that two routes claim.
    private static func clashes(_ routes: [HookName: HookRoute]) -> [AdapterProblem] {
        var owners: [String: String] = [:]
        var problems: [AdapterProblem] = []
        for route in routes.values.sorted(by: { $0.name.text < $1.name.text }) {
            guard let path = route.path else { continue }
            if let owner = owners[path] {
                problems.append(
                    AdapterProblem(
                        path: "routes.\(route.name.text).path", code: "path",
                        message: "\(path) is the route \(owner)'s already", mend: "give each route its own"))
            }
            owners[path] = route.name.text
        }
        return problems
    }

    /// A certificate's name in a header is worth what the proxy is that wrote it.
    private static func unvouched(_ routes: [HookName: HookRoute], _ proxy: DeclaredProxy?) -> [AdapterProblem] {
        guard proxy?.secret == nil else { return [] }
        return routes.values.filter { $0.scheme == .mtls }.map { route in
            AdapterProblem(
                path: "routes.\(route.name.text).scheme", code: "proxy",
                message: "mtls believes a header, and nothing says that the proxy wrote it",
                mend: "set proxy with from and secret, and let the proxy send X-Switchboard-Proxy")
        }
    }

    /// What an address that others can reach needs before it may be opened.
    private static func exposure(
        _ listen: ListenAddress, _ settings: JSONValue, isCovered: Bool
    ) -> [AdapterProblem] {
        guard let routes = settings["routes"]?.objectValue, !routes.isEmpty else {
            return [
                AdapterProblem(
                    path: "listen", code: "exposed",
                    message: "\(listen) can be reached from other machines and no route is set",
                    mend: "listen on 127.0.0.1, or set routes with a secret each")
            ]
        }
        var problems = routes.filter { $0.value["secret"] == nil && $0.value["certificates"] == nil }.map { route in
            AdapterProblem(
                path: "routes.\(route.key).secret", code: "exposed",
                message: "\(listen) can be reached from other machines and this route has no secret",
                mend: "give it one (env:NAME or file:PATH), or listen on 127.0.0.1")
        }
        if !isCovered {
            problems.append(
                AdapterProblem(
                    path: "listen", code: "exposed",
                    message: "\(listen) can be reached from other machines and nothing encrypts what they say",
                    mend: "set tls, or proxy with the address of what ends TLS, or listen on 127.0.0.1"))
        }
        return problems
    }
}
