import JSON

extension ConfigurationType {
    /// This type as JSON Schema (draft 2020-12).
    func schema(about: String? = nil, standard: JSONValue? = nil) -> JSONValue {
        var members = JSONObject()
        if let about { members["description"] = .string(about) }
        if let standard { members["default"] = standard }
        switch self {
        case .object(let keys, let isOpen):
            let known = keys.filter { $0.presence != .later }
            members["type"] = "object"
            members["properties"] = .object(
                JSONObject(
                    known.map {
                        JSONObject.Member(key: $0.name, value: $0.type.schema(about: $0.about, standard: $0.standard))
                    }))
            let required = known.filter { $0.presence == .required }.map { JSONValue.string($0.name) }
            if !required.isEmpty { members["required"] = .array(required) }
            members["additionalProperties"] = .bool(isOpen)
        case .shorthand(let word, _, let type):
            members["anyOf"] = [["const": .string(word)], type.schema()]
        case .entries(let form, let type, let beside):
            members["type"] = "object"
            if !beside.isEmpty {
                members["properties"] = .object(
                    JSONObject(
                        beside.map {
                            JSONObject.Member(
                                key: $0.name, value: $0.type.schema(about: $0.about, standard: $0.standard))
                        }))
            }
            if let pattern = form.pattern { members["propertyNames"] = ["pattern": .string(pattern)] }
            members["additionalProperties"] = type.schema()
        case .list(let type):
            members["type"] = "array"
            members["items"] = type.schema()
        case .text(let form):
            // An id may be written as a number: YAML reads `42` as one.
            members["type"] = [.identifier, .sender, .groupMember].contains(form) ? ["string", "integer"] : "string"
            if let pattern = form.pattern { members["pattern"] = .string(pattern) }
            if form == .curveKey { (members["minLength"], members["maxLength"]) = (40, 40) }
        case .choice(let words): members["enum"] = .array(words.map(JSONValue.string))
        case .flag: members["type"] = "boolean"
        case .number(let range):
            members["type"] = "integer"
            (members["minimum"], members["maximum"]) = (.integer(range.lowerBound), .integer(range.upperBound))
        case .duration:
            members["type"] = "string"
            members["pattern"] = "^[0-9]+(ms|s|m|h)$"
        }
        return .object(members)
    }
}
