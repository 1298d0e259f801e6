import JSON
import OperatingConfiguration
import Testing

/// `config/switchboard.yaml` and its schema say what the program does.
@Suite struct ExampleFileTests {
    @Test func asItStandsItIsTheDefault() throws {
        let text = try RepositoryFile.text("config/switchboard.yaml")
        #expect(try Configuration(yaml: text, file: "switchboard.yaml") == Configuration.defaults())
    }

    @Test func everyKeyStandsInItAndIsTaken() throws {
        let value = try Configuration(yaml: try Self.withoutProse(), file: "switchboard.yaml").effective
        let missing = Self.keys(of: Configuration.schema, in: value, at: "")
        #expect(missing.isEmpty, "keys that config/switchboard.yaml does not show: \(missing)")
    }

    @Test func itsDefaultsAreTheProgramsDefaults() throws {
        let shown = try Configuration(yaml: try Self.withoutProse(), file: "switchboard.yaml")
        let defaults = try Configuration.defaults()
        #expect(shown.adapters == defaults.adapters)
        #expect(shown.delivery == defaults.delivery)
        #expect(shown.retention == defaults.retention)
        #expect(shown.log == defaults.log)
    }

    @Test func schemaFileIsWhatTheProgramPrints() throws {
        let file = try RepositoryFile.text("config/switchboard.schema.json")
        #expect(
            file == Configuration.schema.indentedText() + "\n",
            "write it anew: switchboard config schema > config/switchboard.schema.json")
    }

    /// Key lines only: `#key:` and what is indented below it.
    static func withoutProse() throws -> String {
        var isInSection = false
        return try RepositoryFile.text("config/switchboard.yaml").split(
            separator: "\n", omittingEmptySubsequences: false
        )
        .compactMap { line in
            guard line.hasPrefix("#") else {
                isInSection = false
                return nil
            }
            let rest = line.dropFirst()
            if let first = rest.first, first != " " { isInSection = true }
            guard isInSection, rest.first != " " || rest.hasPrefix("  ") else { return nil }
            return String(rest)
        }.joined(separator: "\n")
    }

    /// The keys of the schema that a value does not show.
    static func keys(of schema: JSONValue, in value: JSONValue?, at path: String) -> [String] {
        // Of keys that exclude each other an element shows one.
        if let items = schema["items"] {
            let missing = (value?.arrayValue ?? []).map { keys(of: items, in: $0, at: path + "[]") }
            guard let first = missing.first else { return keys(of: items, in: nil, at: path + "[]") }
            return first.filter { key in missing.allSatisfy { $0.contains(key) } }
        }
        if let properties = schema["properties"]?.objectValue {
            return properties.flatMap { member in
                let inner = value?[member.key]
                let path = "\(path).\(member.key)"
                return (inner == nil ? [path] : []) + keys(of: member.value, in: inner, at: path)
            }
        }
        if let entry = schema["additionalProperties"], entry.objectValue != nil {
            return keys(of: entry, in: value?.objectValue?.first?.value, at: path + ".*")
        }
        return []
    }
}
