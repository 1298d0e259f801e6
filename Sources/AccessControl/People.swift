public import ChannelEvents

/// Where a person can be met: his permanent id on one source.
public struct Address: Hashable, Sendable, CustomStringConvertible {
    public var source: SourceName
    /// The platform's permanent id of the sender; never a name or a handle.
    public var id: String

    public init(source: SourceName, id: String) {
        self.source = source
        self.id = id
    }

    /// Reads `source:id`; `nil` when the text is none.
    public init?(_ text: String) {
        guard let key = EventKey(text) else { return nil }
        self.init(source: key.source, id: key.id)
    }

    public var description: String { "\(source.text):\(id)" }
}

/// One person, met on several platforms.
public struct Person: Hashable, Sendable {
    /// As the configuration names it.
    public var name: String
    /// The person this Switchboard belongs to: first to be asked, told and alarmed.
    public var isOwner: Bool
    /// In order of preference.
    public var addresses: [Address]

    public init(name: String, isOwner: Bool = false, addresses: [Address] = []) {
        self.name = name
        self.isOwner = isOwner
        self.addresses = addresses
    }
}
