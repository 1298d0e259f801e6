import ArgumentParser
import ChannelEvents
import JSON
import OperatingHome

/// Which session gets a conversation's messages.
struct RoutesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "routes", abstract: "Show and choose which session gets a conversation's messages.",
        subcommands: [List.self, Bind.self, Unbind.self, Topics.self], defaultSubcommand: List.self)

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "What was chosen, what the configuration says, what was used last, which topics are open.")

        @OptionGroup var reading: ReadingOptions

        func run() throws {
            try CommandFailure.reporting {
                let list = try RouterQuery.ask("routes.list", places: try Places.current())
                Terminal.say(reading.json ? list.text : RoutesText.list(list))
            }
        }
    }

    struct Bind: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Give a conversation to a session, with all that waits there; as /use does from the chat.")

        @Argument(help: "source:chat or source:chat/thread.")
        var conversation: String

        @Argument(help: "The label of a session that was here before.")
        var session: String

        @OptionGroup var reading: ReadingOptions

        func run() throws {
            try RoutesCommand.change(
                "routes.bind", ["conversation": .string(conversation), "session": .string(session)],
                "switchboard routes bind \(conversation) \(session)", reading
            ) { answer in
                let label = answer["session"]?.stringValue ?? ""
                let isAway = answer["state"]?.stringValue == "away"
                return "\(conversation) goes to \(label)\(isAway ? ", which is away: what comes waits for it" : "")."
            }
        }
    }

    struct Unbind: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take the choice back: the configured routes and the session used last decide again.")

        @Argument(help: "source:chat or source:chat/thread.")
        var conversation: String

        @OptionGroup var reading: ReadingOptions

        func run() throws {
            try RoutesCommand.change(
                "routes.unbind", ["conversation": .string(conversation)], "switchboard routes unbind \(conversation)",
                reading
            ) { answer in
                guard let label = answer["session"]?.stringValue else { return "\(conversation) was not bound." }
                return "\(conversation) is no longer bound to \(label)."
            }
        }
    }

    struct Topics: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Give each session a topic or thread of its own in a chat, from its attaching to its end.")

        @Argument(help: "source:chat.")
        var conversation: String

        @Flag(help: "No longer; open topics are closed.")
        var off = false

        @OptionGroup var reading: ReadingOptions

        func run() throws {
            try RoutesCommand.change(
                "routes.topics", ["conversation": .string(conversation), "off": .bool(off)],
                "switchboard routes topics \(conversation)\(off ? " --off" : "")", reading
            ) { answer in
                guard !off else { return "\(conversation) makes no topics any more; open ones are closed." }
                let count = answer["sessions"]?.integerValue ?? 0
                return "Each session gets a topic in \(conversation); \(count) "
                    + "\(count == 1 ? "session is" : "sessions are") here now. See `switchboard routes`."
            }
        }
    }

    /// A session could take what is written to another one: this is not for Claude.
    static func change(
        _ name: String, _ arguments: JSONObject, _ line: String, _ reading: ReadingOptions,
        _ sentence: (JSONValue) -> String
    ) throws {
        try CommandFailure.reporting {
            try PersonOnly.refuseUnderClaude("routes are changed", line)
            let answer = try RouterQuery.ask(name, arguments, places: try Places.current())
            Terminal.say(reading.json ? answer.text : Terminal.plain(sentence(answer)))
        }
    }
}
