import ArgumentParser
import JSON
import OperatingHome

struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Look for everything that can be wrong, and say the mend.",
        discussion: "It changes nothing. Exit code 1 when something must be mended.")

    @OptionGroup var reading: ReadingOptions

    func run() throws {
        try CommandFailure.reporting {
            var examination = Examination(places: try Places.current())
            examination.run()
            let findings = examination.findings
            if reading.json {
                Terminal.say(
                    JSONValue.object([
                        "ok": .bool(examination.isWell), "findings": .array(findings.map(\.json)),
                    ]).text)
            } else {
                let broken = findings.count { $0.grade == .broken }
                Terminal.say(findings.map(\.text).joined(separator: "\n"))
                Terminal.say(broken == 0 ? "\nnothing to mend" : "\n\(broken) to mend")
            }
            if !examination.isWell { throw ExitCode(1) }
        }
    }
}
