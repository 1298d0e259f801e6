import ArgumentParser
import JSON
import OperatingHome

/// Standing leave for a tool: given for a while, counted, taken back.
extension AccessCommand {
    struct Grant: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let a session use a tool in one way without asking, for a while.",
            discussion: """
                Only where permissions.grants is true. For Bash the pattern stands for one simple command, such as \
                'swift test*': nothing with ; & | < > $ ( ) quotes, backticks or line breaks is ever covered. For Read, \
                Edit, Write, MultiEdit and NotebookEdit it is an absolute path. * stands for anything. Every use is in \
                the audit.
                """)

        @Option(help: "The session's label.")
        var session: String

        @Option(help: "The tool, such as Bash.")
        var tool: String

        @Option(help: "What the command or the path must be; * stands for anything.")
        var matches: String

        @Option(name: .customLong("for"), help: "How long, such as 30m; at most 24h.")
        var lifetime = "30m"

        @Option(help: "How often at most.")
        var count: Int64 = 10

        @OptionGroup var reading: ReadingOptions

        func validate() throws {
            guard TimeText.span(lifetime) != nil else {
                throw ValidationError("--for is a number with s, m or h: 30m")
            }
        }

        func run() throws {
            let line =
                "switchboard access grant --session \(session) --tool \(tool) --matches '\(matches)' --for \(lifetime) --count \(count)"
            let arguments: JSONObject = [
                "session": .string(session), "tool": .string(tool), "matches": .string(matches),
                "for": .integer(TimeText.span(lifetime) ?? 0), "count": .integer(count),
            ]
            try AccessCommand.change("access.grant", arguments, line, reading) { answer in
                let grant = answer["grant"]?.integerValue ?? 0
                return """
                    Grant \(grant): \(answer["session"]?.stringValue ?? "") may use \(tool) for \(matches), \
                    \(answer["left"]?.integerValue ?? 0) times, until \
                    \(TimeText.stamp(answer["expires_ms"]?.integerValue ?? 0)) UTC. To take it back: switchboard access \
                    revoke \(grant)
                    """
            }
        }
    }

    struct Grants: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "The standing grants that are left.")

        @OptionGroup var reading: ReadingOptions

        func run() throws {
            try CommandFailure.reporting {
                let list = try RouterQuery.ask("access.grants", places: try Places.current())
                Terminal.say(reading.json ? list.text : PromptsText.grants(list))
            }
        }
    }

    struct Revoke: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Take a grant back.")

        @Argument(help: "The grant's number.")
        var grant: Int64

        @OptionGroup var reading: ReadingOptions

        func run() throws {
            try AccessCommand.change(
                "access.revoke", ["grant": .integer(grant)], "switchboard access revoke \(grant)", reading
            ) { "Grant \($0["grant"]?.integerValue ?? 0) holds no longer." }
        }
    }
}
