import ArgumentParser
import JSON
import OperatingHome

struct SessionsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sessions", abstract: "List the Claude Code sessions and what waits for them.")

    @OptionGroup var reading: ReadingOptions

    func run() throws {
        try CommandFailure.reporting {
            let answer = try RouterQuery.ask("sessions", places: try Places.current())
            if reading.json { return Terminal.say(answer.text) }
            let sessions = answer["sessions"]?.arrayValue ?? []
            if sessions.isEmpty {
                Terminal.say("no sessions; in a project with Switchboard in its .mcp.json, run:")
                Terminal.say("  claude --dangerously-load-development-channels server:switchboard")
            } else {
                Terminal.say(SessionsText(sessions).text)
            }
        }
    }
}
