import AccessControl
import ChannelEvents
import JSON
public import OperatingHome
import Yams

extension Configuration {
    /// The configuration of a home; the defaults when it has no file.
    /// - Throws: ``ConfigurationError`` with everything that is wrong, by line and column.
    public static func load(_ places: Places) throws(ConfigurationError) -> Configuration {
        var configuration = try read(places)
        if let policy = try ManagedPolicy.load() { configuration.bind(by: policy) }
        return configuration
    }

    private static func read(_ places: Places) throws(ConfigurationError) -> Configuration {
        let file = places.configurationFile
        let bytes: [UInt8]?
        do {
            bytes = try SmallFile.read(file, limit: 1 << 20)
        } catch {
            throw ConfigurationError(file: file, problems: [ConfigurationProblem(.file, key: "", error.message)])
        }
        guard let bytes else { return try Configuration(yaml: "", file: file) }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ConfigurationError(
                file: file, problems: [ConfigurationProblem(.syntax, key: "", "the file is not UTF-8 text")])
        }
        return try Configuration(yaml: text, file: file)
    }

    /// Reads a text.
    /// - Parameter file: its name, for errors.
    public init(yaml: String, file: String) throws(ConfigurationError) {
        let table = ConfigurationType.object(ConfigurationKey.table)
        var value: JSONValue = [:]
        if let root = try Self.compose(yaml, file: file) {
            var reader = ConfigurationReader()
            let read = reader.read(root, table, path: "")
            guard reader.problems.isEmpty, let read else {
                throw ConfigurationError(file: file, problems: reader.problems)
            }
            value = read
            let conflicts = Self.conflicts(in: table.completed(value), root: root)
            guard conflicts.isEmpty else { throw ConfigurationError(file: file, problems: conflicts) }
        }
        self.init(effective: table.completed(value))
    }

    static func compose(_ yaml: String, file: String) throws(ConfigurationError) -> Node? {
        func problem(_ code: ConfigurationProblem.Code, _ message: String, _ mark: Mark? = nil) -> ConfigurationError {
            ConfigurationError(
                file: file,
                problems: [
                    ConfigurationProblem(code, key: "", message, line: mark?.line ?? 1, column: mark?.column ?? 1)
                ])
        }
        do {
            return try Yams.compose(yaml: yaml)
        } catch let error as YamlError {
            switch error {
            case .scanner(_, let text, let mark, _), .parser(_, let text, let mark, _),
                .composer(_, let text, let mark, _):
                throw problem(.syntax, "not valid YAML: \(text)", mark)
            case .duplicatedKeysInMapping(let keys, let context):
                throw problem(
                    .duplicateKey, "stands twice in one section: \(keys.sorted().joined(separator: ", "))", context.mark
                )
            case .reader(let text, _, _, _): throw problem(.syntax, "not valid YAML: \(text)")
            default: throw problem(.syntax, "not valid YAML")
            }
        } catch {
            throw problem(.syntax, "not valid YAML")
        }
    }

    /// Rules between keys.
    private static func conflicts(in value: JSONValue, root: Node) -> [ConfigurationProblem] {
        var problems: [ConfigurationProblem] = []
        func note(_ code: ConfigurationProblem.Code, _ section: String, _ key: String, _ message: String) {
            let mark = root[section]?[key]?.mark ?? root[section]?.mark
            problems.append(
                ConfigurationProblem(
                    code, key: "\(section).\(key)", message, line: mark?.line ?? 1, column: mark?.column ?? 1))
        }
        let retention = value["retention"]
        if let text = retention?["text_days"]?.integerValue, let ids = retention?["id_days"]?.integerValue, ids < text {
            note(
                .badValue, "retention", "id_days",
                "must be at least text_days (\(text)), else old events are taken twice")
        }
        if let router = value["router"], router["listen"] != nil {
            for key in ["public_key", "secret_key"] where router[key] == nil {
                note(.missingKey, "router", key, "is needed with `listen`: TCP is only spoken with CURVE")
            }
            if router["peers"]?.arrayValue?.isEmpty ?? true {
                note(.missingKey, "router", "peers", "is needed with `listen`: nobody may connect without an entry")
            }
        }
        for (index, entry) in (value["routes"]?.arrayValue ?? []).enumerated() {
            let given = RouteEntry.Target.keys.filter { entry[$0] != nil && entry[$0] != false }
            let problem: String? =
                switch given.count {
                case 0: entry["urgent"] == true ? nil : "`to` is missing: the label of the session"
                case 1: entry[given[0]] == [] && given[0] != "all" ? "`\(given[0])` names no session" : nil
                default: "\(given.map { "`\($0)`" }.joined(separator: " and ")) do not go together: choose one"
                }
            guard let problem else { continue }
            let mark = root["routes"]?[index]?.mark ?? root["routes"]?.mark
            problems.append(
                ConfigurationProblem(
                    given.isEmpty ? .missingKey : .badValue, key: "routes[\(index)]", problem,
                    line: mark?.line ?? 1, column: mark?.column ?? 1))
        }
        let names = Set((value["adapters"]?.objectValue ?? JSONObject()).map(\.key))
        for member in value["access"]?.objectValue ?? JSONObject()
        where !names.contains(member.key) && member.key != Self.staticWord {
            let nearest = NearestName.find(member.key, among: names.sorted()).map { "; did you mean `\($0)`?" } ?? ""
            note(.badValue, "access", member.key, "there is no adapter of this name\(nearest)")
        }
        if names.contains(staticWord) {
            note(.badValue, "adapters", staticWord, "`static` has a meaning in `access`: call this adapter otherwise")
        }
        for member in value["access"]?.objectValue ?? JSONObject() {
            // A limit to no session would be read as no limit.
            for limit in member.value["sessions"]?.arrayValue ?? [] where limit["to"]?.arrayValue?.isEmpty ?? true {
                note(.badValue, "access", member.key, "every entry of `sessions` needs at least one label in `to`")
            }
            for group in member.value["groups"]?.objectValue ?? JSONObject()
            where group.value["sessions"]?.arrayValue?.isEmpty ?? false {
                note(.badValue, "access", member.key, "`sessions` of the group \(group.key) needs at least one label")
            }
        }
        var owner: String?
        var met: [Address: String] = [:]
        for person in value["people"]?.objectValue ?? JSONObject() {
            if person.value["owner"]?.boolValue == true {
                if let owner { note(.badValue, "people", person.key, "\(owner) is the owner already: there is one") }
                owner = owner ?? person.key
            }
            for text in (person.value["addresses"]?.arrayValue ?? []).compactMap(\.stringValue) {
                guard let address = Address(text) else { continue }
                if !names.contains(address.source.text) {
                    note(.badValue, "people", person.key, "there is no adapter named \(address.source)")
                }
                if let other = met.updateValue(person.key, forKey: address) {
                    note(.badValue, "people", person.key, "\(address) is given to \(other) already")
                }
            }
        }
        return problems
    }
}
