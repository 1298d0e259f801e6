import ArgumentParser
import JSON
import OperatingHome

struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Check the configuration, show it with all defaults, or print its JSON schema.",
        subcommands: [Check.self, Show.self, Policy.self, Schema.self])

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check the file, and every enabled adapter's settings by the adapter itself.")
        @OptionGroup var reading: ReadingOptions

        func run() throws {
            try CommandFailure.reporting {
                let router = try ProgramFinder.require("switchboard-router")
                let file = try ProgramRun.run(router, ["config", "check"] + (reading.json ? ["--json"] : []))
                guard file.status.isSuccess else {
                    Terminal.write(file.output, to: 1)
                    Terminal.write(file.errors, to: 2)
                    throw ExitCode(1)
                }
                let checks = try AdapterCheck.all(places: try Places.current(), router: router)
                if reading.json {
                    let isWell = checks.allSatisfy(\.problems.isEmpty)
                    Terminal.say(
                        JSONValue.object(["ok": .bool(isWell), "adapters": .array(checks.map(\.json))]).text)
                } else {
                    Terminal.write(file.output, to: 1)
                    for check in checks { Terminal.say(check.text) }
                }
                guard checks.allSatisfy(\.problems.isEmpty) else { throw ExitCode(1) }
            }
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print what holds, defaults included; secrets stand as references.")
        @OptionGroup var reading: ReadingOptions

        func run() throws { try ConfigCommand.become(["show"] + (reading.json ? ["--json"] : [])) }
    }

    struct Policy: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print what the administrator of this machine laid down.")

        func run() throws { try ConfigCommand.become(["policy"]) }
    }

    struct Schema: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Print the JSON schema of switchboard.yaml.")

        func run() throws { try ConfigCommand.become(["schema"]) }
    }

    private static func become(_ arguments: [String]) throws {
        try CommandFailure.reporting {
            try ProgramFinder.execute(try ProgramFinder.require("switchboard-router"), ["config"] + arguments)
        }
    }
}
