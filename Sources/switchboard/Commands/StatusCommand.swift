import ArgumentParser
import JSON
import OperatingHome

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show what runs and how it stands.",
        discussion: "Exit code 1 when no router runs; 2 when something needs a person.")

    @OptionGroup var reading: ReadingOptions

    func run() throws {
        try CommandFailure.reporting {
            let status = Self.completed(try RouterQuery.ask("status", places: try Places.current()))
            Terminal.say(reading.json ? status.text : StatusText(status).text)
            let failing = (status["sources"]?.arrayValue ?? []).contains {
                ["failed", "absent"].contains($0["state"]?.stringValue)
            }
            let isStoreWell = (status["store"]?["state"]?.stringValue ?? "ok") == "ok"
            if failing || !isStoreWell { throw ExitCode(2) }
        }
    }

    /// The router knows only adapters that reached it, and not their programs. One that is configured and never came is
    /// what a person looks for.
    private static func completed(_ status: JSONValue) -> JSONValue {
        guard var members = status.objectValue, let plans = configured() else { return status }
        var sources = (members["sources"]?.arrayValue ?? []).map { source -> JSONValue in
            guard source["kind"]?.stringValue == nil, var known = source.objectValue,
                let plan = plans.first(where: { $0.name == source["name"]?.stringValue })
            else { return source }
            known["kind"] = .string(plan.kind)
            return .object(known)
        }
        for plan in plans where plan.isEnabled && !sources.contains(where: { $0["name"]?.stringValue == plan.name }) {
            sources.append([
                "name": .string(plan.name), "kind": .string(plan.kind), "state": "absent",
                "reason": .string("its adapter has not reached the router; see: switchboard logs \(plan.name)"),
            ])
        }
        members["sources"] = .array(sources)
        return .object(members)
    }

    /// `nil` when the configuration cannot be read now: the router runs on with the one that it has.
    private static func configured() -> [AdapterPlan]? {
        do {
            return try AdapterPlan.all(router: try ProgramFinder.require("switchboard-router")).plans
        } catch {
            return nil
        }
    }
}
