import AdapterKit
import HTTPTypes

/// One entry of `routes`, with its secrets resolved.
struct HookRoute: Sendable {
    let name: HookName
    /// The conversation its messages belong to; several routes may share one.
    var chat: HookName
    let scheme: HookScheme
    /// Tokens for `Authorization: Bearer`; empty when the route signs.
    let bearers: [String]
    /// `nil` for bearer routes.
    let proof: HookProof?
    let limit: Int
    let tellsQuiet: Bool
    /// An address of its own beside `/hooks/NAME`.
    var path: String?
    /// The media types it takes, in lower case; `nil` for what the body's reader takes.
    var types: Set<String>?
    /// Requests taken within a minute; `nil` is any number.
    var budget: Int64?
    var rule = HookRule()
    var callback: HookCallback?

    init(name: HookName, scheme: HookScheme, proof: HookProof?, bearers: [String] = [], limit: Int, tellsQuiet: Bool) {
        self.name = name
        chat = name
        self.scheme = scheme
        self.bearers = bearers
        self.proof = proof
        self.limit = limit
        self.tellsQuiet = tellsQuiet
    }

    /// Whether a body of this type is taken. Without a list every reader judges for itself.
    func takes(contentType: String?) -> Bool {
        guard let types else { return true }
        let type = (contentType ?? "").prefix { $0 != ";" }.filter { $0 != " " && $0 != "\t" }
        return types.contains(type.lowercased())
    }
}
