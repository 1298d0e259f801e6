import ArgumentParser
import OperatingHome

struct RouterCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "router", abstract: "Run the router alone, as under systemd; `up` runs it for you.")

    @Argument(parsing: .captureForPassthrough, help: "Arguments of switchboard-router.")
    var arguments: [String] = []

    func run() throws {
        try CommandFailure.reporting {
            try ProgramFinder.execute(try ProgramFinder.require("switchboard-router"), arguments)
        }
    }
}
