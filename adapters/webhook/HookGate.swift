import AdapterKit

/// What of a request speaks about its sender.
struct HookCaller: Sendable {
    /// The token of `Authorization: Bearer`; empty for any other use of that header.
    var bearer: String?
    /// Whether headers say that a browser or a proxy stands between: then whoever holds the socket is not who asks.
    var isRelayed = false
    /// Who holds the socket; asked only when it matters.
    var user: @Sendable () -> UInt32?
}

/// Who may use a hook. Pure, but for the question who holds the socket.
struct HookGate: Sendable {
    enum Entry: Hashable, Sendable {
        case admitted(Authentication, sender: String)
        case unauthorized
        case notFound
    }

    /// `nil` when any name is taken.
    let routes: [HookName: HookRoute]?
    /// Opens hooks without a secret of their own to programs of the same user that can read its file.
    let homeToken: String
    let ownUser: UInt32

    func admit(_ caller: HookCaller, to hook: HookName) -> Entry {
        if let routes, routes[hook] == nil { return .notFound }
        let own = routes?[hook]?.bearers ?? []
        if let bearer = caller.bearer {
            // A wrong token is an error, also from loopback: whoever shows one means to be held to it.
            let tokens = own.isEmpty ? [homeToken] : own
            guard Self.matches(bearer, any: tokens) else { return .unauthorized }
            return .admitted(.secret, sender: "secret:\(hook.text)")
        }
        guard !caller.isRelayed, let user = caller.user(), user == ownUser else { return .unauthorized }
        return .admitted(.loopback, sender: "local:\(user)")
    }

    /// Whether somebody may steer routes: a program of the same user, or whoever holds the home's token.
    func isOwner(_ caller: HookCaller) -> Bool {
        if let bearer = caller.bearer { return Self.matches(bearer, any: [homeToken]) }
        guard !caller.isRelayed, let user = caller.user() else { return false }
        return user == ownUser
    }

    /// Where a route's messages belong.
    func chat(of hook: HookName) -> HookName { routes?[hook]?.chat ?? hook }

    /// The route, when its requests prove themselves by what they carry and not by who holds the socket.
    func signingRoute(_ hook: HookName) -> HookRoute? {
        guard let route = routes?[hook], route.proof != nil else { return nil }
        return route
    }

    /// Compares with every token, each in a time that does not tell how much of it fits.
    static func matches(_ shown: String, any tokens: [String]) -> Bool {
        let shown = Array(shown.utf8)
        var isMatch = false
        for token in tokens where !token.isEmpty {
            let token = Array(token.utf8)
            var difference = UInt8(shown.count == token.count ? 0 : 1)
            for index in shown.indices { difference |= shown[index] ^ token[index % token.count] }
            isMatch = difference == 0 || isMatch
        }
        return isMatch
    }
}
