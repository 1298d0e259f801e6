public import JSON

/// One key of an adapter's settings.
public struct Setting: Hashable, Sendable {
    public var key: String
    public var shape: SettingShape
    public var summary: String
    public var isRequired: Bool
    /// What holds when the key is absent.
    public var standard: JSONValue?

    public init(
        _ key: String, _ shape: SettingShape, _ summary: String, isRequired: Bool = false, standard: JSONValue? = nil
    ) {
        self.key = key
        self.shape = shape
        self.summary = summary
        self.isRequired = isRequired
        self.standard = standard
    }
}

/// The form of a setting. One table gives the JSON schema, the check, and the nearest valid key of a typing error.
public indirect enum SettingShape: Hashable, Sendable {
    case text
    case integer(ClosedRange<Int64>)
    case boolean
    /// A reference to a secret: `env:NAME` or `file:PATH`. A literal is refused.
    case secret
    case list(SettingShape)
    /// Either one of these or a list of them.
    case oneOrMore(SettingShape)
    /// Any names, all of one shape.
    case map(SettingShape)
    case object([Setting])

    public var jsonSchema: JSONValue {
        switch self {
        case .text: return ["type": "string"]
        case .integer(let range):
            return ["type": "integer", "minimum": .integer(range.lowerBound), "maximum": .integer(range.upperBound)]
        case .boolean: return ["type": "boolean"]
        case .secret: return ["type": "string", "pattern": "^(env|file):.+$"]
        case .list(let element): return ["type": "array", "items": element.jsonSchema]
        case .oneOrMore(let element):
            return ["oneOf": [element.jsonSchema, ["type": "array", "items": element.jsonSchema, "minItems": 1]]]
        case .map(let element): return ["type": "object", "additionalProperties": element.jsonSchema]
        case .object(let settings): return Self.schema(of: settings)
        }
    }

    private static func schema(of settings: [Setting]) -> JSONValue {
        var properties = JSONObject()
        for setting in settings {
            var property = setting.shape.jsonSchema.objectValue ?? [:]
            property["description"] = .string(setting.summary)
            property["default"] = setting.standard
            properties[setting.key] = .object(property)
        }
        var schema: JSONObject = [
            "type": "object", "additionalProperties": false, "properties": .object(properties),
        ]
        let required = settings.filter(\.isRequired).map { JSONValue.string($0.key) }
        if !required.isEmpty { schema["required"] = .array(required) }
        return .object(schema)
    }

    /// All that is wrong with a value of this shape, at once.
    public func problems(in value: JSONValue, at path: String = "") -> [AdapterProblem] {
        switch (self, value) {
        case (.text, .string), (.boolean, .bool): return []
        case (.integer(let range), .integer(let number)):
            guard !range.contains(number) else { return [] }
            let mend = "give a number from \(range.lowerBound) to \(range.upperBound)"
            return [AdapterProblem(path: path, code: "range", message: "\(number) is out of range", mend: mend)]
        case (.secret, .string(let text)):
            guard !text.hasPrefix("env:"), !text.hasPrefix("file:") else { return [] }
            return [
                AdapterProblem(
                    path: path, code: "secret", message: "a secret does not belong into the configuration",
                    mend: "put NAME=… into secrets.env and write env:NAME here, or write file:PATH")
            ]
        case (.list(let element), .array(let values)):
            return values.enumerated().flatMap { element.problems(in: $1, at: "\(path)[\($0)]") }
        case (.oneOrMore(let element), .array(let values)):
            if values.isEmpty { return [wrongType(path)] }
            return values.enumerated().flatMap { element.problems(in: $1, at: "\(path)[\($0)]") }
        case (.oneOrMore(let element), _): return element.problems(in: value, at: path)
        case (.map(let element), .object(let members)):
            return members.flatMap { element.problems(in: $0.value, at: Self.join(path, $0.key)) }
        case (.object(let settings), .object(let members)):
            return Self.problems(of: members, in: settings, at: path)
        default: return [wrongType(path)]
        }
    }

    private func wrongType(_ path: String) -> AdapterProblem {
        AdapterProblem(path: path, code: "wrong-type", message: "this is not \(name)", mend: "give \(name)")
    }

    private var name: String {
        switch self {
        case .text: return "a text"
        case .integer: return "a whole number"
        case .boolean: return "true or false"
        case .secret: return "a secret's reference: env:NAME or file:PATH"
        case .list: return "a list"
        case .oneOrMore(let element): return "\(element.name), or a list of such"
        case .map, .object: return "a mapping"
        }
    }

    private static func problems(of members: JSONObject, in settings: [Setting], at path: String) -> [AdapterProblem] {
        var found: [AdapterProblem] = []
        for member in members {
            if let setting = settings.first(where: { $0.key == member.key }) {
                found += setting.shape.problems(in: member.value, at: join(path, member.key))
            } else {
                found.append(unknown(member.key, among: settings.map(\.key), at: path))
            }
        }
        for setting in settings where setting.isRequired && members[setting.key] == nil {
            found.append(
                AdapterProblem(
                    path: join(path, setting.key), code: "missing", message: "this key is needed", mend: setting.summary
                ))
        }
        return found
    }

    private static func unknown(_ key: String, among keys: [String], at path: String) -> AdapterProblem {
        let nearest = keys.map { (key: $0, distance: distance($0, key)) }.min { $0.distance < $1.distance }
        let mend =
            if let nearest, nearest.distance <= max(2, key.count / 3) {
                "did you mean \(nearest.key)?"
            } else {
                keys.isEmpty ? "this adapter has no settings here" : "the keys here are \(keys.joined(separator: ", "))"
            }
        return AdapterProblem(
            path: join(path, key), code: "unknown-key", message: "there is no such key", mend: mend)
    }

    private static func join(_ path: String, _ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    /// Levenshtein's distance: keys are short, so a row at a time is enough.
    private static func distance(_ left: String, _ right: String) -> Int {
        let left = Array(left)
        let right = Array(right.prefix(64))
        var row = Array(0...right.count)
        for (index, character) in left.enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for (column, other) in right.enumerated() {
                let above = row[column + 1]
                row[column + 1] = min(above + 1, row[column] + 1, diagonal + (character == other ? 0 : 1))
                diagonal = above
            }
        }
        return row[right.count]
    }
}
