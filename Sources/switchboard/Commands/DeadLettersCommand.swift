import ArgumentParser
import JSON
import OperatingHome

struct DeadLettersCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "deadletters", abstract: "What was given up: see why, try it again, or drop it.",
        discussion: """
            Replies that a platform refused or may have lost, messages that no session could take, and events that could \
            not be read.
            """,
        subcommands: [List.self, Retry.self, Drop.self], defaultSubcommand: List.self)

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show what was given up, the newest first.")

        @Option(help: "At most so many.")
        var limit: Int = 50

        @OptionGroup var reading: ReadingOptions

        func validate() throws {
            guard (1...1000).contains(limit) else { throw ValidationError("--limit is 1 to 1000") }
        }

        func run() throws {
            try CommandFailure.reporting {
                let answer = try RouterQuery.ask(
                    "deadletters.list", ["limit": .integer(Int64(limit))], places: try Places.current())
                Terminal.say(reading.json ? answer.text : DeadLetterText.text(answer))
            }
        }
    }

    struct Retry: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Try again: a reply from its first part that was not sent, a message to its session.",
            discussion: """
                What stands as unknown may have arrived: it goes out again only when it is named, and may then be there twice.
                """)

        @OptionGroup var letters: LetterArguments

        func run() throws { try letters.ask("retry") { "\($0) tried again; see `switchboard history`" } }
    }

    struct Drop: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Drop: it is not shown here any more.")

        @OptionGroup var letters: LetterArguments

        func run() throws { try letters.ask("drop") { "\($0) dropped" } }
    }

    struct LetterArguments: ParsableArguments {
        @Argument(help: "As `deadletters list` shows them: o12, d3.45, e7.")
        var ids: [String] = []

        @Flag(help: "All that certainly were not sent or delivered.")
        var all = false

        @OptionGroup var reading: ReadingOptions

        func validate() throws {
            guard all == ids.isEmpty else { throw ValidationError("name dead letters, or say --all") }
        }

        func ask(_ verb: String, _ sentence: (Int64) -> String) throws {
            try CommandFailure.reporting {
                let arguments: JSONObject = all ? ["all": true] : ["ids": .array(ids.map(JSONValue.string))]
                let answer = try RouterQuery.ask("deadletters.\(verb)", arguments, places: try Places.current())
                if reading.json { return Terminal.say(answer.text) }
                Terminal.say(sentence((answer["retried"] ?? answer["dropped"])?.integerValue ?? 0))
            }
        }
    }
}
