import ArgumentParser
import ChannelEvents
import JSON
import OperatingHome

struct ReplayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay", abstract: "Deliver events again, marked as that.",
        discussion: """
            To the session that their conversation goes to now. With EVENT_ID one event, as `switchboard history` shows \
            it; with --conversation the newest of one chat, such as a webhook's route. What waits already is left alone. \
            Exit code 0 when at least one is delivered again.
            """)

    @Argument(help: "An event, source:id.")
    var event: String?

    @Option(help: "The newest events of this chat instead: source:chat or source:chat/thread.")
    var conversation: String?

    @Option(help: "Of the chat only what came within this time, such as 90m, 2h or 3d.")
    var since: String?

    @Option(help: "Of the chat so many at most, up to 100.")
    var limit = 20

    @OptionGroup var reading: ReadingOptions

    func validate() throws {
        guard (event == nil) != (conversation == nil) else {
            throw ValidationError("give EVENT_ID or --conversation, one of them")
        }
        if let event, EventKey(event) == nil {
            throw ValidationError("EVENT_ID is source:id, as `switchboard history` shows it")
        }
        if let conversation, Conversation(conversation) == nil {
            throw ValidationError("a conversation is source:chat or source:chat/thread")
        }
        guard event == nil || since == nil else { throw ValidationError("--since goes with --conversation") }
        guard since.map({ Self.milliseconds($0) != nil }) ?? true else {
            throw ValidationError("--since is a number and s, m, h or d, such as 2h")
        }
        guard (1...100).contains(limit) else { throw ValidationError("--limit is a number from 1 to 100") }
    }

    func run() throws {
        try CommandFailure.reporting {
            var arguments: JSONObject = ["limit": .integer(Int64(limit))]
            if let event { arguments["event"] = .string(event) }
            if let conversation { arguments["conversation"] = .string(conversation) }
            if let age = since.flatMap(Self.milliseconds) { arguments["since_ms"] = .integer(TimeText.now() - age) }
            let answer = try RouterQuery.ask("replay", arguments, places: try Places.current())
            if reading.json {
                Terminal.say(answer.text)
            } else {
                for entry in answer["events"]?.arrayValue ?? [] {
                    let event = entry["event_id"]?.stringValue ?? ""
                    let session = entry["session"]?.stringValue.map { "again to \($0)" }
                    Terminal.say(Terminal.plain("\(event): \(session ?? entry["message"]?.stringValue ?? "")"))
                }
            }
            if answer["replayed"]?.integerValue == 0 { throw ExitCode(1) }
        }
    }

    private static func milliseconds(_ text: String) -> Int64? {
        guard let unit = text.last, let number = Int64(text.dropLast()), (1...100_000).contains(number) else {
            return nil
        }
        let factor: Int64? =
            switch unit {
            case "s": 1_000
            case "m": 60_000
            case "h": 3_600_000
            case "d": 86_400_000
            default: nil
            }
        return factor.map { number * $0 }
    }
}
