import JSON

/// One key of the configuration. The reader, the JSON schema and the check of `config/switchboard.yaml` read the same
/// table of these.
struct ConfigurationKey: Sendable {
    enum Presence: Sendable {
        case optional
        case required
        /// Promised, and no part of this version: named when it is used, not passed over.
        case later
    }

    let name: String
    let type: ConfigurationType
    let about: String
    let standard: JSONValue?
    let presence: Presence

    init(
        _ name: String, _ type: ConfigurationType, _ about: String, standard: JSONValue? = nil,
        presence: Presence = .optional
    ) {
        self.name = name
        self.type = type
        self.about = about
        self.standard = standard
        self.presence = presence
    }

    static func later(_ name: String) -> ConfigurationKey {
        ConfigurationKey(name, .flag, "Not supported yet.", presence: .later)
    }
}

/// What a key's value must be.
indirect enum ConfigurationType: Sendable {
    /// Known keys; with `isOpen`, others are carried unread, because only an adapter understands them.
    case object([ConfigurationKey], isOpen: Bool = false)
    /// Names that the user chooses; `beside` are keys of ours among them.
    case entries(TextForm, ConfigurationType, beside: [ConfigurationKey] = [])
    /// One word that stands for a value.
    case shorthand(String, for: JSONValue, ConfigurationType)
    case list(ConfigurationType)
    case text(TextForm)
    case choice([String])
    case flag
    case number(ClosedRange<Int64>)
    /// Milliseconds, written as `500ms`, `3s`, `2m`, `1h`.
    case duration(ClosedRange<Int64>)
}
