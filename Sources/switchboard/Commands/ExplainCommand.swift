import ArgumentParser
import JSON
import OperatingHome

struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "What became of a message, or would, and which rule says so.",
        discussion:
            "With EVENT_ID, as `switchboard history` shows it, what did happen. With --source and --sender what would: "
            + "the running router decides with the very function that real messages meet. Exit code 0 whatever the "
            + "answer is.")

    @Argument(help: "An event, source:id.")
    var event: String?

    @Option(help: "The source it comes from.")
    var source: String?

    @Option(help: "The sender's permanent id.")
    var sender: String?

    @Option(help: "The group it is written in, as source:chat; without it a direct message.")
    var conversation: String?

    @Option(help: "What it says.")
    var text: String?

    @Option(help: "A platform role of the sender. May be repeated.")
    var role: [String] = []

    @Flag(help: "It mentions the bot or answers it.")
    var mention = false

    @Flag(help: "A program wrote it.")
    var bot = false

    @OptionGroup var reading: ReadingOptions

    func validate() throws {
        guard event == nil else {
            guard source == nil, sender == nil, conversation == nil, text == nil else {
                throw ValidationError("give EVENT_ID or --source and --sender, not both")
            }
            return
        }
        guard source != nil, sender != nil else {
            throw ValidationError("give EVENT_ID for what did happen, or --source and --sender for what would")
        }
    }

    func run() throws {
        try CommandFailure.reporting {
            let answer = try RouterQuery.ask("explain", arguments, places: try Places.current())
            guard !reading.json else { return Terminal.say(answer.text) }
            Terminal.say(event == nil ? ExplanationText.prediction(answer) : ExplanationText.past(answer))
        }
    }

    private var arguments: JSONObject {
        if let event { return ["event": .string(event)] }
        var arguments: JSONObject = [
            "mention": .bool(mention), "bot": .bool(bot), "roles": .array(role.map(JSONValue.string)),
        ]
        arguments["source"] = source.map(JSONValue.string)
        arguments["sender"] = sender.map(JSONValue.string)
        arguments["conversation"] = conversation.map(JSONValue.string)
        arguments["text"] = text.map(JSONValue.string)
        return arguments
    }
}
