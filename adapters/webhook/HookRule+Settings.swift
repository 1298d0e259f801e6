import AdapterKit

extension HookRule {
    /// - Parameter problems: gets all that is wrong.
    init(_ settings: JSONValue, path: String, problems: inout [AdapterProblem]) {
        for (index, entry) in (settings["filters"]?.arrayValue ?? []).enumerated() {
            let filter = Self.filter(entry, path: "\(path).filters[\(index)]", problems: &problems)
            if let filter { filters.append(filter) }
        }
        dedup = Self.paths(settings["dedup"], path: "\(path).dedup", problems: &problems)
        if let alert = settings["alert"] {
            fingerprint = Self.paths(alert["fingerprint"], path: "\(path).alert.fingerprint", problems: &problems)
            if let end = alert["resolved"] {
                resolved = Self.filter(end, path: "\(path).alert.resolved", problems: &problems)
            }
        }
        var values: [(name: String, path: JSONPath)] = []
        for member in settings["values"]?.objectValue ?? [:] {
            let named = Self.path(member.value.stringValue, at: "\(path).values.\(member.key)", problems: &problems)
            if let named { values.append((member.key, named)) }
        }
        guard let text = settings["template"]?.stringValue else {
            if !values.isEmpty {
                problems.append(
                    AdapterProblem(
                        path: "\(path).values", code: "template", message: "these are for a template and there is none",
                        mend: "add a template, or remove them"))
            }
            return
        }
        do throws(HookTemplate.Malformed) {
            template = try HookTemplate(text, values: values)
        } catch {
            problems.append(
                AdapterProblem(
                    path: "\(path).template", code: "template", message: error.message,
                    mend: "write {{name}}, {{a.b.0}}, {{#list}}…{{/list}} or {{^none}}…{{/none}}"))
        }
    }

    private static func filter(_ entry: JSONValue, path: String, problems: inout [AdapterProblem]) -> HookFilter? {
        guard let place = Self.path(entry["path"]?.stringValue, at: "\(path).path", problems: &problems) else {
            return nil
        }
        let filter = HookFilter(
            path: place, wanted: patterns(entry["is"]), unwanted: patterns(entry["is_not"]),
            exists: entry["exists"]?.boolValue)
        if filter.wanted.isEmpty, filter.unwanted.isEmpty, filter.exists == nil {
            problems.append(
                AdapterProblem(
                    path: path, code: "filter", message: "this says nothing about what stands there",
                    mend: "add is, is_not or exists"))
        }
        return filter
    }

    private static func patterns(_ value: JSONValue?) -> [WordPattern] {
        switch value {
        case .array(let several): several.compactMap(\.stringValue).map { WordPattern($0) }
        case .string(let one): [WordPattern(one)]
        default: []
        }
    }

    private static func paths(_ value: JSONValue?, path: String, problems: inout [AdapterProblem]) -> [JSONPath] {
        var found: [JSONPath] = []
        for (index, entry) in (value?.arrayValue ?? []).enumerated() {
            let place = Self.path(entry.stringValue, at: "\(path)[\(index)]", problems: &problems)
            if let place { found.append(place) }
        }
        return found
    }

    private static func path(_ text: String?, at place: String, problems: inout [AdapterProblem]) -> JSONPath? {
        if let path = text.flatMap({ JSONPath($0) }) { return path }
        problems.append(
            AdapterProblem(
                path: place, code: "path", message: "this is no JSON path",
                mend: "write it as $.alerts[0].labels.severity or labels[\"app.name\"]"))
        return nil
    }
}
