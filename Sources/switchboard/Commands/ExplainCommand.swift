import ArgumentParser
import JSON
import OperatingHome

struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "What would become of a message, and which rule says so.",
        discussion:
            "Asks the running router, which decides with the very function that real messages meet. Exit code 0 "
            + "whatever the answer is.")

    @Option(help: "The source it comes from.")
    var source: String

    @Option(help: "The sender's permanent id.")
    var sender: String

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

    func run() throws {
        try CommandFailure.reporting {
            var arguments: JSONObject = [
                "source": .string(source), "sender": .string(sender), "mention": .bool(mention), "bot": .bool(bot),
                "roles": .array(role.map(JSONValue.string)),
            ]
            arguments["conversation"] = conversation.map(JSONValue.string)
            arguments["text"] = text.map(JSONValue.string)
            let answer = try RouterQuery.ask("explain", arguments, places: try Places.current())
            guard !reading.json else { return Terminal.say(answer.text) }
            let isAllowed = answer["allowed"]?.boolValue ?? false
            Terminal.say(
                Terminal.plain(
                    "\(isAllowed ? "let in" : "refused"): \(answer["why"]?.stringValue ?? "") "
                        + "(\(answer["rule"]?.stringValue ?? ""))"))
        }
    }
}
