import JSON
import OperatingHome
import Yams

/// Reads a YAML tree by the table of keys. Collects every problem; what it returns is only right when there is none.
struct ConfigurationReader {
    private(set) var problems: [ConfigurationProblem] = []
    /// Nodes that may still be read. Aliases are followed, and ten lines of them can mean a billion nodes.
    private var budget = 100_000

    mutating func read(_ node: Node, _ type: ConfigurationType, path: String) -> JSONValue? {
        guard spend(node, path) else { return nil }
        switch type {
        case .object(let keys, let isOpen): return object(node, keys, isOpen: isOpen, path: path)
        case .entries(let form, let type, let beside): return entries(node, form, type, beside, path: path)
        case .shorthand(let word, let value, let type):
            return scalar(node) == word ? value : read(node, type, path: path)
        case .list(let type): return list(node, type, path: path)
        case .text(let form): return text(node, form, path: path)
        case .choice(let words):
            guard let word = scalar(node), words.contains(word) else {
                return wrong(node, path, "expected one of \(words.joined(separator: ", "))")
            }
            return .string(word)
        case .flag:
            guard case .bool(let flag) = YAMLScalar.value(node) else {
                return wrong(node, path, "expected true or false")
            }
            return .bool(flag)
        case .number(let range):
            guard case .integer(let number) = YAMLScalar.value(node), range.contains(number) else {
                return wrong(node, path, "expected a whole number from \(range.lowerBound) to \(range.upperBound)")
            }
            return .integer(number)
        case .duration(let range):
            guard let text = scalar(node), let time = DurationText.milliseconds(text), range.contains(time) else {
                return wrong(
                    node, path,
                    "expected a time such as 500ms, 3s or 2m, at most \(DurationText.text(milliseconds: range.upperBound))"
                )
            }
            return .string(text)
        }
    }

    private mutating func object(_ node: Node, _ keys: [ConfigurationKey], isOpen: Bool, path: String) -> JSONValue? {
        guard let members = members(node, path) else { return nil }
        var values = JSONObject()
        for (name, value) in members {
            let inner = Self.join(path, name.text)
            guard let key = keys.first(where: { $0.name == name.text }) else {
                if isOpen {
                    values[name.text] = opaque(value, name: name.text, path: inner)
                } else {
                    unknown(name, among: keys, path: inner)
                }
                continue
            }
            if key.presence == .later {
                note(.notSupported, inner, "not supported yet by this version; remove it", name.node)
                continue
            }
            values[key.name] = read(value, key.type, path: inner)
        }
        for key in keys where key.presence == .required && !members.contains(where: { $0.name.text == key.name }) {
            note(.missingKey, path, "`\(key.name)` is missing: \(key.about)", node)
        }
        return .object(values)
    }

    private mutating func entries(
        _ node: Node, _ form: TextForm, _ type: ConfigurationType, _ beside: [ConfigurationKey], path: String
    ) -> JSONValue? {
        guard let members = members(node, path) else { return nil }
        var values = JSONObject()
        for (name, value) in members {
            let inner = Self.join(path, name.text)
            if let key = beside.first(where: { $0.name == name.text }) {
                values[name.text] = read(value, key.type, path: inner)
                continue
            }
            if let complaint = form.complaint(name.text) { note(.badValue, inner, complaint, name.node) }
            values[name.text] = read(value, type, path: inner)
        }
        return .object(values)
    }

    private mutating func list(_ node: Node, _ type: ConfigurationType, path: String) -> JSONValue? {
        if YAMLScalar.isNothing(node) { return .array([]) }
        guard case .sequence(let elements) = node else { return wrong(node, path, "expected a list, as in [a, b]") }
        var values: [JSONValue] = []
        for (index, element) in elements.enumerated() {
            if let value = read(element, type, path: "\(path)[\(index)]") { values.append(value) }
        }
        return .array(values)
    }

    private mutating func text(_ node: Node, _ form: TextForm, path: String) -> JSONValue? {
        guard let text = scalar(node) else { return wrong(node, path, form.complaint("") ?? "expected a text") }
        guard let complaint = form.complaint(text) else { return .string(text) }
        if form == .reference {
            note(.literalSecret, path, Self.secretMend, node)
            return nil
        }
        return wrong(node, path, complaint)
    }

    // MARK: What only an adapter understands

    private mutating func opaque(_ node: Node, name: String, path: String) -> JSONValue? {
        guard spend(node, path) else { return nil }
        switch node {
        case .mapping:
            guard let members = members(node, path) else { return nil }
            var values = JSONObject()
            for (name, value) in members {
                values[name.text] = opaque(value, name: name.text, path: Self.join(path, name.text))
            }
            return .object(values)
        case .sequence(let elements):
            var values: [JSONValue] = []
            for (index, element) in elements.enumerated() {
                if let value = opaque(element, name: name, path: "\(path)[\(index)]") { values.append(value) }
            }
            return .array(values)
        default:
            let value = YAMLScalar.value(node)
            if SecretName.matches(name), value != .null, !(value.stringValue.map(SecretResolver.isReference) ?? false) {
                note(.literalSecret, path, Self.secretMend, node)
                return nil
            }
            return value
        }
    }

    private static let secretMend =
        "a secret is not written into this file; write env:NAME and put NAME=… into secrets.env beside it (chmod 600), "
        + "or write file:PATH"

    // MARK: Parts

    private mutating func spend(_ node: Node, _ path: String) -> Bool {
        budget -= 1
        if budget == -1 { note(.badValue, path, "the configuration is too large: more than 100000 values", node) }
        return budget >= 0
    }

    private struct Name {
        let text: String
        let node: Node
    }

    /// The members of a mapping; nothing at all (`key:` with only comments below) is an empty one.
    private mutating func members(_ node: Node, _ path: String) -> [(name: Name, value: Node)]? {
        if YAMLScalar.isNothing(node) { return [] }
        guard case .mapping(let mapping) = node else {
            note(.badValue, path, "expected keys with values below it", node)
            return nil
        }
        return mapping.compactMap { key, value in
            guard let text = scalar(key), text != "<<" else {
                note(.badValue, path, "a key must be a plain text, and merge keys (<<) are not supported", key)
                return nil
            }
            return (Name(text: text, node: key), value)
        }
    }

    private func scalar(_ node: Node) -> String? {
        guard case .scalar(let scalar) = node, !YAMLScalar.isNothing(node) else { return nil }
        return scalar.string
    }

    private mutating func unknown(_ name: Name, among keys: [ConfigurationKey], path: String) {
        let known = keys.filter { $0.presence != .later }.map(\.name)
        let advice = NearestName.find(name.text, among: known).map { "did you mean `\($0)`?" }
        note(.unknownKey, path, "unknown key; \(advice ?? "known here: \(known.joined(separator: ", "))")", name.node)
    }

    private mutating func wrong(_ node: Node, _ path: String, _ message: String) -> JSONValue? {
        note(.badValue, path, message, node)
        return nil
    }

    private mutating func note(_ code: ConfigurationProblem.Code, _ key: String, _ message: String, _ node: Node) {
        problems.append(
            ConfigurationProblem(code, key: key, message, line: node.mark?.line ?? 1, column: node.mark?.column ?? 1))
    }

    private static func join(_ path: String, _ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }
}
