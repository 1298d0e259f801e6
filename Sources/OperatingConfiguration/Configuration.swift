public import AccessControl
public import ChannelEvents
public import JSON

/// What `switchboard.yaml` says, checked and with every default filled in.
public struct Configuration: Hashable, Sendable {
    /// In the order of the file.
    public var adapters: [AdapterEntry]
    public var access: AccessPolicy
    /// What the machine's administrator laid down; `nil` when nothing.
    public var managed: ManagedPolicy?
    /// `switchboard access` may not change it.
    public var isAccessStatic: Bool
    /// First match wins.
    public var routes: [RouteEntry]
    /// First match wins.
    public var feeds: [FeedEntry]
    public var delivery: Delivery
    public var files: Files
    public var permissions: Permissions
    public var retention: Retention
    /// The socket for other machines; `nil` when there is none.
    public var remote: Remote?
    public var log: Log
    /// The whole configuration with its defaults as JSON: what `config show --json` prints. Holds no secret, only
    /// references to them.
    public internal(set) var effective: JSONValue

    /// One source.
    public struct AdapterEntry: Hashable, Sendable {
        public let name: SourceName
        /// Its program is `switchboard-<kind>`.
        public let kind: String
        public internal(set) var isEnabled: Bool
        /// What only the adapter understands; secrets as references.
        public let settings: JSONValue
    }

    /// All that is given must match.
    public struct RouteEntry: Hashable, Sendable {
        public let conversation: Conversation?
        public let source: SourceName?
        public let thread: String?
        public let sender: String?
        public let kind: String?
        public let text: MentionPattern?
        /// `nil` where it only says what is urgent.
        public let target: Target?
        public let isUrgent: Bool

        /// Labels of sessions.
        public enum Target: Hashable, Sendable {
            case session(String)
            case firstIdle([String])
            /// Without a label: each that is there.
            case all([String])
            case hold
        }
    }

    /// In milliseconds.
    public struct Delivery: Hashable, Sendable {
        public let attachSettle: Int64
        public let firstPushWait: Int64
        public let deafAfter: Int64
        public let answersWithTranscript: Bool
        public let showsProgress: Bool
        public let quietWindow: Int64
        /// Times within a minute.
        public let wakeBudget: Int64
    }

    /// In bytes and milliseconds.
    public struct Files: Hashable, Sendable {
        public let image: Int64
        public let imageWait: Int64
        public let largest: Int64
        public let total: Int64
    }

    public struct Permissions: Hashable, Sendable {
        /// In milliseconds.
        public let cardDelay: Int64
        /// In milliseconds.
        public let limit: Int64
        /// `renew`, `escalate` or `deny`.
        public let onTimeout: String
        public let cardsHere: [Conversation]
        public let allowsGrants: Bool
        public let twoPerson: [String]
    }

    public struct Retention: Hashable, Sendable {
        public let textDays: Int64
        public let idDays: Int64
    }

    public struct Remote: Hashable, Sendable {
        public let endpoint: String
        /// Z85.
        public let publicKey: String
        /// `env:NAME` or `file:PATH`.
        public let secretKeyReference: String
        public let peers: [Peer]

        public struct Peer: Hashable, Sendable {
            public let publicKey: String
            /// `adapter`, `endpoint` or `operator`.
            public let role: String
            public let name: String
        }
    }

    public struct Log: Hashable, Sendable {
        /// `text` or `json`.
        public let format: String
        /// A level of swift-log.
        public let level: String
    }

    /// What holds without a file: one webhook on 127.0.0.1:8441.
    public static func defaults() throws(ConfigurationError) -> Configuration {
        try Configuration(yaml: "", file: "defaults")
    }

    /// The JSON schema (draft 2020-12) of the file.
    public static var schema: JSONValue {
        var schema = JSONObject([
            JSONObject.Member(key: "$schema", value: "https://json-schema.org/draft/2020-12/schema"),
            JSONObject.Member(key: "title", value: "Switchboard configuration"),
        ])
        for member in ConfigurationType.object(ConfigurationKey.table).schema().objectValue ?? JSONObject() {
            schema[member.key] = member.value
        }
        return .object(schema)
    }
}
