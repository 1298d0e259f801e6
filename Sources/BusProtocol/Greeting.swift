public import JSON

public enum Role: String, Sendable {
    case adapter, endpoint
    /// A person's command: it asks questions and changes nothing by itself.
    case `operator`
}

/// HELLO: who a peer is and where its numbered messages go on.
public struct Hello: Hashable, Sendable {
    public var version: Int64
    public var role: Role
    /// An adapter's source, an endpoint's wanted label, an operator's command.
    public var name: String
    /// The program's own version.
    public var program: String
    /// Random, made once per process: a peer that comes back is known by it.
    public var instance: String
    public var pid: Int64
    /// The sequence of the next numbered message: one past the last that was acknowledged.
    public var next: UInt64
    /// For an adapter: proves the right to its source.
    public var key: String?
    /// For an adapter: what it can do; see ``Abilities``.
    public var abilities: Abilities
    /// For an endpoint: the project directory.
    public var project: String?
    /// For an endpoint: the pid of Claude Code, which is its parent process.
    public var parent: Int64?
    /// For an endpoint: deliveries it has written that the router may not know of.
    public var written: [Int64]
    /// Deliveries an endpoint takes before it says `written`.
    public var credit: Int64?

    public init(
        role: Role, name: String, program: String, instance: String, pid: Int64, next: UInt64 = 1, key: String? = nil,
        abilities: Abilities = Abilities(), project: String? = nil, parent: Int64? = nil, written: [Int64] = [],
        credit: Int64? = nil, version: Int64 = BusLimits.version
    ) {
        self.version = version
        self.role = role
        self.name = name
        self.program = program
        self.instance = instance
        self.pid = pid
        self.next = next
        self.key = key
        self.abilities = abilities
        self.project = project
        self.parent = parent
        self.written = written
        self.credit = credit
    }
}

/// What an adapter's platform can do. Declared, never assumed; absent means no.
public struct Abilities: Hashable, Sendable {
    /// Verbs of COMMAND that it carries out: `send`, `edit`, `react`, `typing`, …
    public var verbs: Set<String>
    /// Features: `threads`, `topics`, `buttons`, `files`, `history`, `formatting`, `idempotent` sends.
    public var features: Set<String>
    /// Longest text of one `send`, in UTF-16 units; `nil` when only the bus limits it.
    public var textLimit: Int64?
    /// Spans that one `send` may have, with the feature `formatting`; `nil` when there is no such limit.
    public var spanLimit: Int64?
    /// Columns of monospace text that people see in one line, with the feature `formatting`; a wider table comes as
    /// records. 40 when absent.
    public var columns: Int64?

    public init(
        verbs: Set<String> = [], features: Set<String> = [], textLimit: Int64? = nil, spanLimit: Int64? = nil,
        columns: Int64? = nil
    ) {
        self.verbs = verbs
        self.features = features
        self.textLimit = textLimit
        self.spanLimit = spanLimit
        self.columns = columns
    }
}

/// How much a peer may have under way before the router acknowledges; zero pauses it.
public struct Credit: Hashable, Sendable {
    public var events: Int64
    public var bytes: Int64

    public init(events: Int64, bytes: Int64) {
        self.events = events
        self.bytes = bytes
    }
}

/// WELCOME: the router took a peer in.
public struct Welcome: Hashable, Sendable {
    public var version: Int64
    /// Stands on every later frame of this link; a frame with another epoch is answered with RESET.
    public var epoch: UInt64
    /// The name that the router gave: the source, or the session's label made unique.
    public var name: String
    /// For an adapter: where it stands on its platform; only the adapter reads it.
    public var cursor: JSONValue?
    public var credit: Credit
    /// For an adapter: its section of the configuration, secrets as references.
    public var settings: JSONValue?
    public var router: String

    public init(
        epoch: UInt64, name: String, cursor: JSONValue? = nil, credit: Credit, settings: JSONValue? = nil,
        router: String, version: Int64 = BusLimits.version
    ) {
        self.version = version
        self.epoch = epoch
        self.name = name
        self.cursor = cursor
        self.credit = credit
        self.settings = settings
        self.router = router
    }
}

extension Hello {
    func write(to writer: inout JSONWriter) {
        writer.member("v", version)
        writer.member("role", role.rawValue)
        writer.member("name", name)
        writer.member("program", program)
        writer.member("instance", instance)
        writer.member("pid", pid)
        writer.member("next", next)
        writer.member("key", key)
        if abilities != Abilities() { writer.member("abilities", abilities.json) }
        writer.member("project", project)
        writer.member("parent", parent)
        if !written.isEmpty {
            writer.key("written")
            writer.integers(written)
        }
        writer.member("credit", credit)
    }

    init(from value: JSONValue) throws(ProtocolError) {
        guard let version = value["v"]?.integerValue else { throw ProtocolError(.version, "HELLO needs v") }
        guard let role = value["role"]?.stringValue.flatMap(Role.init) else {
            throw ProtocolError(.role, "role is adapter, endpoint or operator")
        }
        guard let name = value["name"]?.stringValue, (1...128).contains(name.utf8.count) else {
            throw ProtocolError(.malformed, "HELLO needs a name of 1 to 128 bytes")
        }
        guard let instance = value["instance"]?.stringValue, (8...64).contains(instance.utf8.count) else {
            throw ProtocolError(.malformed, "HELLO needs an instance of 8 to 64 bytes, random per process")
        }
        let next = value["next"]?.integerValue ?? 1
        guard next >= 1 else { throw ProtocolError(.malformed, "next starts at 1") }
        self.init(
            role: role, name: name, program: String((value["program"]?.stringValue ?? "").prefix(64)),
            instance: instance,
            pid: value["pid"]?.integerValue ?? 0, next: UInt64(next), key: value["key"]?.stringValue,
            abilities: value["abilities"].map(Abilities.init(from:)) ?? Abilities(),
            project: value["project"]?.stringValue.map { String($0.prefix(4096)) },
            parent: value["parent"]?.integerValue,
            written: value["written"]?.arrayValue?.compactMap(\.integerValue) ?? [],
            credit: value["credit"]?.integerValue, version: version)
    }
}

extension Abilities {
    public init(from value: JSONValue) {
        self.init(
            verbs: Set(value["verbs"]?.arrayValue?.compactMap(\.stringValue) ?? []),
            features: Set(value["features"]?.arrayValue?.compactMap(\.stringValue) ?? []),
            textLimit: value["text_limit"]?.integerValue, spanLimit: value["span_limit"]?.integerValue,
            columns: value["columns"]?.integerValue)
    }

    /// For `describe` and for `status`.
    public var json: JSONValue {
        var members: JSONObject = [
            "verbs": .array(verbs.sorted().map(JSONValue.string)),
            "features": .array(features.sorted().map(JSONValue.string)),
        ]
        if let textLimit { members["text_limit"] = .integer(textLimit) }
        if let spanLimit { members["span_limit"] = .integer(spanLimit) }
        if let columns { members["columns"] = .integer(columns) }
        return .object(members)
    }
}

extension Credit {
    func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("events", events)
        writer.member("bytes", bytes)
        writer.endObject()
    }

    init(from value: JSONValue) {
        self.init(events: value["events"]?.integerValue ?? 0, bytes: value["bytes"]?.integerValue ?? 0)
    }
}

extension Welcome {
    func write(to writer: inout JSONWriter) {
        writer.member("v", version)
        writer.member("epoch", epoch)
        writer.member("name", name)
        writer.member("cursor", cursor)
        writer.key("credit")
        credit.write(to: &writer)
        writer.member("settings", settings)
        writer.member("router", router)
    }

    init(from value: JSONValue) throws(ProtocolError) {
        guard let epoch = value["epoch"]?.integerValue, let name = value["name"]?.stringValue,
            let credit = value["credit"]
        else { throw ProtocolError(.malformed, "WELCOME needs epoch, name and credit") }
        self.init(
            epoch: UInt64(bitPattern: epoch), name: name, cursor: value["cursor"], credit: Credit(from: credit),
            settings: value["settings"], router: value["router"]?.stringValue ?? "",
            version: value["v"]?.integerValue ?? 0)
    }
}

extension JSONWriter {
    mutating func integers(_ values: [some BinaryInteger]) {
        beginArray()
        for value in values { integer(value) }
        endArray()
    }
}
