import ArgumentParser
import BusProtocol
import JSON
import OperatingHome

struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "version", abstract: "Print the version.")

    @OptionGroup var reading: ReadingOptions

    func run() {
        if reading.json {
            let value: JSONValue = [
                "version": .string(SwitchboardVersion.current), "protocol": .integer(BusLimits.version),
            ]
            Terminal.say(value.text)
        } else {
            Terminal.say("switchboard \(SwitchboardVersion.current) (bus protocol \(BusLimits.version))")
        }
    }
}
