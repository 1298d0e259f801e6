public import BusProtocol
public import JSON

/// What `switchboard-<kind> describe --json` says: all that the command line and a set-up dialogue need to know.
public struct AdapterDescription: Sendable {
    /// The name after `switchboard-`, and the source's name unless it is configured otherwise.
    public var kind: String
    /// One line for a list of adapters.
    public var summary: String
    public var version: String
    public var abilities: Abilities
    /// The keys that stand in the adapter's section of the configuration.
    public var settings: [Setting]
    /// What to ask a person who sets it up, in order.
    public var questions: [SetupQuestion]
    /// Lines that `switchboard up` shows a person to try, once the adapter is up. `{NAME}` stands for the setting NAME or
    /// its default, `{NAME|WORD}` for the first key of a map of settings, else WORD; `{source}` and `{run}` for the source
    /// and the home's folder of running things.
    public var hints: [String]
    /// How many chats may have a command under way at once.
    public var lanes: Int

    public init(
        kind: String, summary: String, version: String, abilities: Abilities, settings: [Setting] = [],
        questions: [SetupQuestion] = [], hints: [String] = [], lanes: Int = 16
    ) {
        self.kind = kind
        self.summary = summary
        self.version = version
        self.abilities = abilities
        self.settings = settings
        self.questions = questions
        self.hints = hints
        self.lanes = lanes
    }

    public var json: JSONValue {
        [
            "kind": .string(kind), "summary": .string(summary), "version": .string(version),
            "protocol": .integer(BusLimits.version), "abilities": abilities.json,
            "settings": SettingShape.object(settings).jsonSchema, "questions": .array(questions.map(\.json)),
            "hints": .array(hints.map(JSONValue.string)),
        ]
    }
}

/// One question of a set-up dialogue; the answer becomes a setting or a secret.
public struct SetupQuestion: Hashable, Sendable {
    /// The setting that the answer becomes: `token`, `routes.ci.secret`.
    public var key: String
    public var prompt: String
    /// Where to find the answer.
    public var explanation: String
    /// The answer is a secret: it is asked without echo, stored in `secrets.env`, and the setting becomes `env:NAME`.
    public var secret: String?
    public var standard: JSONValue?

    public init(key: String, prompt: String, explanation: String, secret: String? = nil, standard: JSONValue? = nil) {
        self.key = key
        self.prompt = prompt
        self.explanation = explanation
        self.secret = secret
        self.standard = standard
    }

    public var json: JSONValue {
        var members: JSONObject = [
            "key": .string(key), "prompt": .string(prompt), "explanation": .string(explanation),
        ]
        if let secret { members["secret"] = .string(secret) }
        if let standard { members["default"] = standard }
        return .object(members)
    }
}

/// A set-up of another program that can be taken over: what a person would be asked for, and more.
public struct SetupImport: Hashable, Sendable {
    /// Whose set-up it is, and where: shown before it is taken.
    public var title: String
    /// Secrets by the names that ``SetupQuestion/secret`` gives.
    public var secrets: [String: String]
    public var settings: JSONObject
    /// The source's section of `access`.
    public var access: JSONObject
    /// What a person must know or do, such as how to stop the other program.
    public var notes: [String]

    public init(
        title: String, secrets: [String: String] = [:], settings: JSONObject = [:], access: JSONObject = [:],
        notes: [String] = []
    ) {
        self.title = title
        self.secrets = secrets
        self.settings = settings
        self.access = access
        self.notes = notes
    }

    /// Holds the secrets: for a pipe to the program that stores them.
    public var json: JSONValue {
        let secrets = secrets.sorted { $0.key < $1.key }.map {
            JSONObject.Member(key: $0.key, value: .string($0.value))
        }
        return [
            "title": .string(title), "secrets": .object(JSONObject(secrets)), "settings": .object(settings),
            "access": .object(access), "notes": .array(notes.map(JSONValue.string)),
        ]
    }
}
