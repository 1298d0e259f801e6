import ArgumentParser
import ChannelEvents
import JSON
import OperatingHome

struct HistoryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history", abstract: "Show what came in, what became of it and what was replied.")

    @Option(help: "Only this conversation, such as webhook:ci.")
    var conversation: String?

    @Option(help: "At most so many events, the newest.")
    var limit: Int = 20

    @Option(help: "Only events before this one, by its event id.")
    var before: String?

    @OptionGroup var reading: ReadingOptions

    func validate() throws {
        guard (1...1000).contains(limit) else { throw ValidationError("--limit is 1 to 1000") }
        if let conversation, Conversation(conversation) == nil {
            throw ValidationError("--conversation is source:chat or source:chat/thread, such as webhook:ci")
        }
    }

    func run() throws {
        try CommandFailure.reporting {
            var arguments: JSONObject = ["limit": .integer(Int64(limit))]
            if let conversation { arguments["conversation"] = .string(conversation) }
            if let before { arguments["before"] = .string(before) }
            let answer = try RouterQuery.ask("history", arguments, places: try Places.current())
            if reading.json { return Terminal.say(answer.text) }
            Terminal.say(HistoryText.text(history: answer))
        }
    }
}
