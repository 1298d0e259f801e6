import JSON
import OperatingHome

/// What an adapter says of its own settings: `switchboard-<kind> check --json`.
struct AdapterCheck {
    let plan: AdapterPlan
    let problems: [String]

    var text: String {
        problems.isEmpty
            ? "\(plan.name): no problems"
            : problems.map { "\(plan.name): \(Terminal.plain($0))" }.joined(separator: "\n")
    }

    var json: JSONValue {
        ["name": .string(plan.name), "kind": .string(plan.kind), "problems": .array(problems.map(JSONValue.string))]
    }

    static func all(places: Places, router: String) throws -> [AdapterCheck] {
        let isRunning = try FileLock.holder(places.supervisorLock) != nil
        return try AdapterPlan.all(router: router).plans.filter(\.isEnabled).map { plan in
            AdapterCheck(plan: plan, problems: try problems(of: plan, isRunning: isRunning))
        }
    }

    private static func problems(of plan: AdapterPlan, isRunning: Bool) throws -> [String] {
        guard let program = try ProgramFinder.find(plan.programName) else {
            return ["there is no program \(plan.programName) beside this one or on PATH; build or install it"]
        }
        // Settings hold references, never secrets, so they may stand in an argument.
        let run = try ProgramRun.run(program, ["check", "--json", "--settings", plan.settings.text])
        let answer: JSONValue
        do { answer = try JSONValue(parsing: run.output) } catch {
            return ["\(plan.programName) check: \(run.status), and its answer is not JSON"]
        }
        return (answer["problems"]?.arrayValue ?? []).compactMap { problem in
            // The port that this Switchboard itself has taken is no problem.
            if isRunning, problem["code"]?.stringValue == "port-taken" { return nil }
            let parts = ["path", "message", "mend"].map { problem[$0]?.stringValue ?? "" }
            return (parts[0].isEmpty ? "" : "adapters.\(plan.name).\(parts[0]): ") + parts[1]
                + (parts[2].isEmpty ? "" : "; \(parts[2])")
        }
    }
}
