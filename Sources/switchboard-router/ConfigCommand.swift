import ArgumentParser
import JSON
import OperatingConfiguration
import OperatingHome

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// `switchboard-router config …`: the only program that reads YAML.
struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Check, show or describe the configuration.",
        subcommands: [Check.self, Show.self, Schema.self])

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Check switchboard.yaml; exit code 1 with problems.")
        @Flag(help: "Print JSON.") var json = false

        func run() throws {
            let places = try ConfigCommand.places()
            do {
                _ = try Configuration.load(places)
                print(json ? "{\"ok\":true,\"problems\":[]}" : "\(places.configurationFile): no problems")
            } catch {
                if json { print(ConfigCommand.json(error).text) } else { ConfigCommand.complain("\(error)") }
                throw ExitCode(1)
            }
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Print what holds, defaults included.")
        @Flag(help: "Print JSON on one line.") var json = false

        func run() throws {
            do {
                let configuration = try Configuration.load(try ConfigCommand.places())
                print(json ? configuration.effective.text : configuration.effective.indentedText())
            } catch let error as ConfigurationError {
                ConfigCommand.complain("\(error)")
                throw ExitCode(1)
            }
        }
    }

    struct Schema: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Print the JSON schema of switchboard.yaml.")

        func run() { print(Configuration.schema.indentedText()) }
    }

    private static func places() throws -> Places {
        do { return try Places.current() } catch {
            complain("switchboard-router: \(error)")
            throw ExitCode(1)
        }
    }

    private static func json(_ error: ConfigurationError) -> JSONValue {
        let problems = error.problems.map { problem -> JSONValue in
            [
                "line": .integer(Int64(problem.line)), "column": .integer(Int64(problem.column)),
                "key": .string(problem.key), "code": .string(problem.code.rawValue), "message": .string(problem.message),
            ]
        }
        return ["ok": false, "file": .string(error.file), "problems": .array(problems)]
    }

    private static func complain(_ text: String) {
        let bytes = Array((text + "\n").utf8)
        _ = write(2, bytes, bytes.count)
    }
}
