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
        case .entries(_, let type, let beside):
            guard let entries = value.objectValue else { return value }
            var members = JSONObject(
                entries.map { entry in
                    let own = beside.first { $0.name == entry.key }?.type ?? type
                    return JSONObject.Member(key: entry.key, value: own.completed(entry.value))
                })
            for key in beside where members[key.name] == nil { members[key.name] = key.standard }
            return .object(members)
        case .shorthand(_, _, let type): return type.completed(value)
        case .list(let type): return .array((value.arrayValue ?? []).map(type.completed))
        default: return value
        }
    }
}
