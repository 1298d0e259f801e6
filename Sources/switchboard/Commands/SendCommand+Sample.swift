import ArgumentParser
import JSON
import OperatingHome

/// `switchboard send --route NAME --file PATH [--sign]`: the adapter's own program does it, because only it knows how
/// its platform's requests look and are signed.
struct SampleOptions: ParsableArguments {
    @Option(help: "Give a running adapter a sample at this route of its configuration.")
    var route: String?

    @Option(help: "The sample: what the platform would send.")
    var file: String?

    @Flag(help: "Sign the sample as the platform would.")
    var sign = false

    @Option(help: "The source, where several have such a route.")
    var source: String?

    /// Whether a sample is meant, and not a message.
    var isGiven: Bool { route != nil || file != nil || sign || source != nil }

    func validate() throws {
        guard isGiven else { return }
        guard route != nil, file != nil else { throw ValidationError("a sample needs --route and --file") }
    }

    func send(isJSON: Bool) throws {
        let plan = try plan()
        let program = try ProgramFinder.require(plan.programName)
        // Settings hold references, never secrets, so they may stand in an argument.
        var arguments = ["sample", "--route", route ?? "", "--file", file ?? "", "--settings", plan.settings.text]
        if sign { arguments.append("--sign") }
        if isJSON { arguments.append("--json") }
        let run = try ProgramRun.run(program, arguments, seconds: 40)
        let errors = String(decoding: run.errors, as: UTF8.self)
        guard !run.output.isEmpty else {
            throw CommandFailure(Terminal.plain(errors.isEmpty ? "\(plan.programName): \(run.status)" : errors))
        }
        Terminal.say(Terminal.plain(String(decoding: run.output, as: UTF8.self)))
        if !run.status.isSuccess { throw ExitCode(1) }
    }

    /// The source that has the route, by its section of the configuration.
    private func plan() throws -> AdapterPlan {
        let router = try ProgramFinder.require("switchboard-router")
        let plans = try AdapterPlan.all(router: router).plans
        if let source {
            guard let plan = plans.first(where: { $0.name == source }) else {
                throw CommandFailure("the configuration has no adapter \(source)")
            }
            return plan
        }
        let owners = plans.filter { $0.settings["routes"]?[route ?? ""] != nil }
        if owners.count == 1 { return owners[0] }
        guard owners.isEmpty else {
            let names = owners.map(\.name).joined(separator: ", ")
            throw CommandFailure("\(names) have such a route: say which with --source")
        }
        // An adapter without routes may take any name.
        let open = plans.filter { $0.settings["routes"] == nil }
        guard open.count == 1 else {
            throw CommandFailure(
                "no adapter of the configuration has the route \(route ?? ""): say which with --source")
        }
        return open[0]
    }
}
