import JSON
import OperatingHome

/// One source of the configuration, as the supervisor and `config check` need it. The YAML is read by
/// `switchboard-router config show --json`, so that this program links no YAML.
struct AdapterPlan: Hashable, Sendable {
    let name: String
    let kind: String
    let isEnabled: Bool
    let settings: JSONValue

    var programName: String { "switchboard-" + kind }

    /// The address a setting gives, or the one that the adapter's description gives as default.
    static func all(router: String) throws -> (plans: [AdapterPlan], configuration: JSONValue) {
        let shown = try ProgramRun.run(router, ["config", "show", "--json"])
        guard shown.status.isSuccess else {
            let text = String(decoding: shown.errors, as: UTF8.self)
            throw CommandFailure("the configuration has errors\n" + text)
        }
        let configuration: JSONValue
        do { configuration = try JSONValue(parsing: shown.output) } catch {
            throw CommandFailure("\(router) is of another version: its `config show --json` is not JSON (\(error))")
        }
        let plans = (configuration["adapters"]?.objectValue ?? JSONObject()).map { member in
            var settings = member.value.objectValue ?? JSONObject()
            settings["kind"] = nil
            settings["enabled"] = nil
            return AdapterPlan(
                name: member.key, kind: member.value["kind"]?.stringValue ?? member.key,
                isEnabled: member.value["enabled"]?.boolValue ?? true, settings: .object(settings))
        }
        return (plans, configuration)
    }
}
