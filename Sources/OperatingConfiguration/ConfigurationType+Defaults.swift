import JSON

extension ConfigurationType {
    /// A value with every default filled in that the file leaves out.
    func completed(_ value: JSONValue) -> JSONValue {
        switch self {
        case .object(let keys, _):
            var given = value.objectValue ?? JSONObject()
            var members = JSONObject()
            for key in keys {
                if let value = given[key.name] ?? key.standard { members[key.name] = key.type.completed(value) }
                given[key.name] = nil
            }
            for member in given { members[member.key] = member.value }
            return .object(members)
        case .entries(_, let type):
            guard let entries = value.objectValue else { return value }
            return .object(JSONObject(entries.map { JSONObject.Member(key: $0.key, value: type.completed($0.value)) }))
        case .list(let type): return .array((value.arrayValue ?? []).map(type.completed))
        default: return value
        }
    }
}
