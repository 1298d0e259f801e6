import ArgumentParser
import ChannelEvents
import JSON

extension AccessCommand {
    struct Group: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Groups and channels, which are off until they are added.",
            subcommands: [Add.self, Change.self, Withdraw.self])

        struct Add: ParsableCommand {
            static let configuration = CommandConfiguration(
                abstract: "Switch a group or channel on; its threads and topics inherit.")

            @OptionGroup var group: GroupArguments
            @OptionGroup var reading: ReadingOptions

            func run() throws { try group.send("add", reading) }
        }

        struct Change: ParsableCommand {
            static let configuration = CommandConfiguration(
                commandName: "set", abstract: "Change a group; what is not given stays.")

            @OptionGroup var group: GroupArguments
            @OptionGroup var reading: ReadingOptions

            func run() throws { try group.send("set", reading) }
        }

        struct Withdraw: ParsableCommand {
            static let configuration = CommandConfiguration(commandName: "rm", abstract: "Switch a group off.")

            @Argument(help: "source:chat.")
            var conversation: String

            @OptionGroup var reading: ReadingOptions

            func run() throws {
                try AccessCommand.change(
                    "access.group", ["conversation": .string(conversation), "off": true],
                    "switchboard access group rm \(conversation)", reading
                ) { "\($0["conversation"]?.stringValue ?? "") is off." }
            }
        }

        struct GroupArguments: ParsableArguments {
            @Argument(help: "source:chat, such as `switchboard access list` shows it.")
            var conversation: String

            @Option(help: "Whether a message must address the bot: true or false.")
            var requireMention: Bool?

            @Option(
                name: .customLong("mention"), help: "A text that counts as a mention, * for anything. May be repeated.")
            var mentions: [String] = []

            @Option(help: "Who is let in: a permanent id, role:ID, anyone, or nobody. May be repeated.")
            var allow: [String] = []

            @Option(
                name: .customLong("session"),
                help: "A session that can be reached from there, or all. May be repeated; without it nothing changes.")
            var sessions: [String] = []

            func validate() throws {
                guard Conversation(conversation) != nil else { throw ValidationError("CONVERSATION is source:chat") }
            }

            func send(_ verb: String, _ reading: ReadingOptions) throws {
                var arguments: JSONObject = ["conversation": .string(conversation)]
                var line = "switchboard access group \(verb) \(conversation)"
                if let requireMention {
                    arguments["require_mention"] = .bool(requireMention)
                    line += " --require-mention \(requireMention)"
                }
                if !mentions.isEmpty {
                    arguments["mention_patterns"] = .array(mentions.map(JSONValue.string))
                    for mention in mentions { line += " --mention '\(mention)'" }
                }
                if !allow.isEmpty {
                    arguments["allow"] = .array(allow.filter { $0 != "nobody" }.map(JSONValue.string))
                    for entry in allow { line += " --allow \(entry)" }
                }
                if !sessions.isEmpty {
                    arguments["sessions"] = .array(sessions.filter { $0 != "all" }.map(JSONValue.string))
                    for session in sessions { line += " --session \(session)" }
                }
                try AccessCommand.change("access.group", arguments, line, reading) { answer in
                    let needsMention = answer["group"]?["require_mention"]?.boolValue ?? true
                    return "\(answer["conversation"]?.stringValue ?? "") is on"
                        + (needsMention ? "; messages there must address the bot." : ".")
                }
            }
        }
    }
}
