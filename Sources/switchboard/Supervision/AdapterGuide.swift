import JSON
import OperatingHome

/// What an adapter's program says of itself that a person who has just started it wants to know. The platform's
/// knowledge is the adapter's (`describe --json`); here are only places to fill in.
struct AdapterGuide {
    private let plan: AdapterPlan
    private let description: JSONValue

    /// `nil` when the program does not describe itself; then there is less to say, and nothing is wrong.
    init?(_ plan: AdapterPlan) {
        do {
            guard let program = try ProgramFinder.find(plan.programName) else { return nil }
            let run = try ProgramRun.run(program, ["describe", "--json"], seconds: 5)
            guard run.status.isSuccess else { return nil }
            description = try JSONValue(parsing: run.output)
        } catch {
            return nil
        }
        self.plan = plan
    }

    /// Where the source listens, when it does.
    var address: String? { setting("listen") }

    /// Lines to try, as the adapter's `hints` give them; `{NAME}` is the setting NAME, `{run}` and `{state}` are folders.
    func advice(_ places: Places) -> [String] {
        (description["hints"]?.arrayValue ?? []).compactMap(\.stringValue).map { hint in
            var text = hint
            for (name, value) in [("listen", address ?? ""), ("run", places.run), ("state", places.state), ("source", plan.name)] {
                text = text.split(separator: "{\(name)}", omittingEmptySubsequences: false).joined(separator: value)
            }
            return Terminal.plain(text)
        }
    }

    private func setting(_ name: String) -> String? {
        plan.settings[name]?.stringValue
            ?? description["settings"]?["properties"]?[name]?["default"]?.stringValue
    }
}
