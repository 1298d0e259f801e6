import ArgumentParser
import ChannelEvents
import JSON
import OperatingHome

struct InitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Set up an adapter: asks what it needs, checks it, stores it and starts it.",
        discussion: """
            KIND is the name after `switchboard-`, as `webhook`. The questions, the check and what can be taken over from \
            other programs are the adapter's own.
            """)

    @Argument(help: "The kind of adapter.")
    var kind: String

    @Option(help: "The source's name, for a second account of one kind; the kind by default.")
    var name: String?

    @Flag(help: "Ask for everything, whatever other programs have set up.")
    var fresh = false

    @Option(
        help: ArgumentHelp(
            "A setting that is not asked for, such as api_base; may be repeated.", valueName: "key=value"))
    var set: [String] = []

    func run() throws {
        try CommandFailure.reporting {
            try PersonOnly.require("adapters are set up", "switchboard init \(kind)")
            guard SourceName(kind) != nil else { throw CommandFailure("\(kind) is no kind of adapter") }
            guard let source = SourceName(name ?? kind) else {
                throw CommandFailure("\(name ?? kind) is no source: 1 to 32 of a-z, 0-9 and -, starting with a letter")
            }
            let given = try set.map { text throws(CommandFailure) in
                let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                guard parts.count == 2, !parts[0].isEmpty else {
                    throw CommandFailure("--set \(text): write KEY=VALUE")
                }
                return JSONObject.Member(key: String(parts[0]), value: .string(String(parts[1])))
            }
            let places = try Places.current()
            try places.prepare()
            try SetupDialogue(
                kind: kind, source: source.text, places: places, takesOver: !fresh, given: JSONObject(given)
            ).run()
        }
    }
}
