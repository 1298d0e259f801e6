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
                .object([
                    Setting(
                        "secret", .oneOrMore(.secret), "the bearer token that callers show; several for a rotation"),
                    Setting("scheme", .text, "how callers prove themselves", standard: "bearer"),
                ])),
            "hook names that are taken; without any, every name is taken from this machine"),
    ]

    let listen: ListenAddress
    /// Secrets by route; `nil` when none are configured and any name is taken.
    let routes: [HookName: [String]]?

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
        var routes: [HookName: [String]]?
        if let members = settings["routes"]?.objectValue, !members.isEmpty {
            var found: [HookName: [String]] = [:]
            for member in members {
                let route = Self.route(member, secrets: secrets, section: section, problems: &problems)
                if let route { found[route.name] = route.secrets }
            }
            routes = found
        }
        if let listen, !listen.isLoopback { problems += Self.exposure(listen, settings["routes"]?.objectValue) }
        guard problems.isEmpty, let listen else { throw AdapterFailure(problems) }
        self.listen = listen
        self.routes = routes
    }

    private static func route(
        _ member: JSONObject.Member, secrets: SecretResolver, section: String, problems: inout [AdapterProblem]
    ) -> (name: HookName, secrets: [String])? {
        let path = "routes.\(member.key)"
        guard let name = HookName(member.key) else {
            let mend = "use 1 to 64 of letters, digits, dot, underscore and hyphen"
            problems.append(
                AdapterProblem(path: path, code: "name", message: "this cannot be the name of a hook", mend: mend))
            return nil
        }
        if let scheme = member.value["scheme"]?.stringValue, scheme != "bearer" {
            problems.append(
                AdapterProblem(
                    path: "\(path).scheme", code: "not-supported",
                    message: "the scheme \(scheme.prefix(32)) comes later",
                    mend: "remove it, and let the caller send Authorization: Bearer with the route's secret"))
        }
        let references: [JSONValue] =
            switch member.value["secret"] {
            case .array(let several): several
            case .some(let one): [one]
            case nil: []
            }
        var values: [String] = []
        for case .string(let reference) in references {
            do throws(HomeError) {
                values.append(try secrets.resolve(reference, key: "adapters.\(section).\(path).secret"))
            } catch {
                problems.append(
                    AdapterProblem(path: "\(path).secret", code: "secret", message: error.message, mend: ""))
            }
        }
        return (name, values)
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
