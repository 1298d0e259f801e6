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

    /// Lines to try, as the adapter's `hints` give them, with its places filled in: `{NAME}` is the setting NAME,
    /// `{NAME|WORD}` the first key of a map of settings or WORD, `{source}` and `{run}` what they say.
    func advice(_ places: Places) -> [String] {
        (description["hints"]?.arrayValue ?? []).compactMap(\.stringValue).map { hint in
            var text = ""
            var rest = hint[...]
            while let opening = rest.firstIndex(of: "{"), let closing = rest[opening...].firstIndex(of: "}") {
                let name = rest[rest.index(after: opening)..<closing]
                text += rest[..<opening] + (place(name, places) ?? String(rest[opening...closing]))
                rest = rest[rest.index(after: closing)...]
            }
            return Terminal.plain(text + rest)
        }
    }

    private func place(_ name: Substring, _ places: Places) -> String? {
        switch name {
        case "source": return plan.name
        case "run": return places.run
        default: break
        }
        let parts = name.split(separator: "|", maxSplits: 1)
        guard let key = parts.first else { return nil }
        guard parts.count == 2 else { return setting(String(key)) }
        return plan.settings[String(key)]?.objectValue?.first?.key ?? String(parts[1])
    }

    private func setting(_ name: String) -> String? {
        plan.settings[name]?.stringValue
            ?? description["settings"]?["properties"]?[name]?["default"]?.stringValue
    }
}
