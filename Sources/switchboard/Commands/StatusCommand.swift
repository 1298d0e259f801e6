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
            let status = try RouterQuery.ask("status", places: try Places.current())
            Terminal.say(reading.json ? status.text : StatusText(status).text)
            let failing = (status["sources"]?.arrayValue ?? []).contains { $0["state"]?.stringValue == "failed" }
            let isStoreWell = (status["store"]?["state"]?.stringValue ?? "ok") == "ok"
            if failing || !isStoreWell { throw ExitCode(2) }
        }
    }
}
