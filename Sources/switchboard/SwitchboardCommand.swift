import ArgumentParser
import OperatingHome

struct SwitchboardCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "switchboard",
        abstract: "One channel for Claude Code that fronts every chat and alert.",
        discussion: "Start with `switchboard up`; it says what runs where and what to do next.",
        version: SwitchboardVersion.current,
        subcommands: [
            UpCommand.self, InitCommand.self, RouterCommand.self, MCPCommand.self, HookCommand.self, AttachCommand.self,
            StatusCommand.self,
            SessionsCommand.self,
            TapCommand.self, HistoryCommand.self, LogsCommand.self, SendCommand.self, ReplayCommand.self,
            DeadLettersCommand.self,
            AccessCommand.self, RoutesCommand.self,
            ExplainCommand.self, DoctorCommand.self, KeysCommand.self,
            ConfigCommand.self,
            VersionCommand.self,
        ])
}
