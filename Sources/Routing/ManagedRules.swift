public import AccessControl

/// What a machine's administrator laid down, as the router holds it.
public struct ManagedRules: Hashable, Sendable {
    /// Switchboard is switched off: the router ends.
    public var isOff: Bool
    public var ceiling: AccessCeiling
    /// `access allow`, `send`, `/use`.
    public var forbiddenCommands: Set<String>
    /// Where it stands, for those who are refused something.
    public var file: String

    public init(
        isOff: Bool = false, ceiling: AccessCeiling = AccessCeiling(), forbiddenCommands: Set<String> = [],
        file: String
    ) {
        self.isOff = isOff
        self.ceiling = ceiling
        self.forbiddenCommands = forbiddenCommands
        self.file = file
    }

    /// Why an operator's question is not answered; `nil` when it is.
    /// - Parameter query: as QUERY names it, `access.pair`.
    func refusal(ofQuery query: String) -> String? {
        let words = (query == "access.verify" ? "access.audit" : query).split(separator: ".").map(String.init)
        for count in words.indices where forbiddenCommands.contains(words[...count].joined(separator: " ")) {
            return "`\(words[...count].joined(separator: " "))` is forbidden on this machine by \(file)"
        }
        return nil
    }

    /// Why a chat command is not carried out; `nil` when it is.
    /// - Parameter name: as ``ChatCommand/name`` has it, `/use`.
    func refusal(ofChatCommand name: String) -> String? {
        forbiddenCommands.contains(name) ? "\(name) is forbidden on the machine of this Switchboard." : nil
    }
}
