import AccessControl
import ArgumentParser
import ChannelEvents
import JSON
import OperatingConfiguration
import OperatingHome

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// `switchboard config …` ends here: the router owns the configuration.
struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Check and show the configuration.",
        subcommands: [Check.self, Policy.self, Schema.self, Show.self])

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check switchboard.yaml; every problem with line and column.")

        @Flag(help: "Print the problems as JSON.")
        var json = false

        func run() throws {
            let places = try Places.current()
            do throws(ConfigurationError) {
                let configuration = try Configuration.load(places)
                let sources = configuration.adapters.map(\.name.text)
                if json {
                    print(
                        JSONValue.object([
                            "ok": true, "file": .string(places.configurationFile), "problems": [],
                            "policy": configuration.managed.map {
                                ["files": .array($0.files.map(JSONValue.string)), "summary": .string($0.summary)]
                            } ?? .null,
                        ]).text)
                } else {
                    let file = places.configurationFile
                    let verdict = access(file, F_OK) == 0 ? "\(file) is good" : "there is no \(file), the defaults hold"
                    print("\(verdict): \(sources.isEmpty ? "no adapters" : sources.joined(separator: ", "))")
                    for line in configuration.policyLines { print(line) }
                }
            } catch {
                guard json else { throw error }
                let problems = error.problems.map { problem -> JSONValue in
                    [
                        "line": .integer(Int64(problem.line)), "column": .integer(Int64(problem.column)),
                        "code": .string(problem.code.rawValue), "message": .string(problem.text),
                    ]
                }
                print(JSONValue.object(["ok": false, "file": .string(error.file), "problems": .array(problems)]).text)
                throw ExitCode.failure
            }
        }
    }

    struct Policy: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show what the administrator of this machine laid down.")

        func run() throws {
            let lines = try Configuration.load(Places.current()).policyLines
            print(lines.isEmpty ? "nothing: there is no \(ManagedPolicy.systemFile)" : lines.joined(separator: "\n"))
        }
    }

    struct Schema: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Print the JSON schema of switchboard.yaml.")

        @Flag(help: "The schema is JSON either way.")
        var json = false

        func run() throws { print(Configuration.schema.indentedText()) }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the configuration in force, defaults filled in. Secrets are shown as references only.")

        @Flag(help: "Print compact JSON.")
        var json = false

        func run() throws {
            let configuration = try Configuration.load(Places.current())
            print(json ? configuration.effective.text : configuration.effective.indentedText())
        }
    }
}

extension Configuration {
    /// What the administrator's policy does to it.
    fileprivate var policyLines: [String] {
        guard let managed else { return [] }
        let off = adapters.filter { !managed.ceiling.allows(kind: $0.kind) }.map(\.name.text)
        return ["policy \(managed.files.joined(separator: " and ")): \(managed.summary)"]
            + (off.isEmpty ? [] : ["  does not let run: \(off.joined(separator: ", "))"])
    }
}
