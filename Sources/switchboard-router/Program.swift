import ArgumentParser
import OperatingHome

/// The router's own program: the only process that holds state. `switchboard router` and `switchboard up` start it.
@main
struct Program: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "switchboard-router", abstract: "The router of Switchboard: policy, state and routes.",
        version: version, subcommands: [RunCommand.self, ConfigCommand.self], defaultSubcommand: RunCommand.self)

    static let version = SwitchboardVersion.current
}
