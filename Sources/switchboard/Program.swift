import ArgumentParser

@main
struct Program: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "switchboard", abstract: "One channel for Claude Code that fronts every chat and alert.",
        version: Program.version, subcommands: [MCPCommand.self])

    static let version = "0.1.0"
}
