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
            "routes",
            .map(
                .object(HookRoute.shape)),
            "hook names that are taken; without any, every name is taken from this machine"),
    ]

    let listen: ListenAddress
    /// `nil` when none are configured and any name is taken.
    let routes: [HookName: HookRoute]?

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
        if let listen, !listen.isLoopback { problems += Self.exposure(listen, settings["routes"]?.objectValue) }
        guard problems.isEmpty, let listen else { throw AdapterFailure(problems) }
        self.listen = listen
        self.routes = routes
    }

    /// What an address that others can reach needs before it may be opened.
    private static func exposure(_ listen: ListenAddress, _ routes: JSONObject?) -> [AdapterProblem] {
        guard let routes, !routes.isEmpty else {
            return [
                AdapterProblem(
                    path: "listen", code: "exposed",
                    message: "\(listen) can be reached from other machines and no route is set",
                    mend: "listen on 127.0.0.1, or set routes with a secret each")
            ]
        }
        return routes.filter { $0.value["secret"] == nil }.map { route in
            AdapterProblem(
                path: "routes.\(route.key).secret", code: "exposed",
                message: "\(listen) can be reached from other machines and this route has no secret",
                mend: "give it one (env:NAME or file:PATH), or listen on 127.0.0.1")
        }
    }
}
