import ArgumentParser
import JSON
import OperatingHome

/// Who may speak, who may approve. What changes something is a person's to run, and holds at once.
struct AccessCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "access", abstract: "Show and change who may reach your sessions.",
        subcommands: [
            List.self, Pair.self, Deny.self, Allow.self, Remove.self, Approver.self, Group.self, Policy.self,
            Audit.self, Grant.self, Grants.self, Revoke.self,
        ], defaultSubcommand: List.self)

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Who is let in, who waits with a code, who was refused lately and how to let them in.")

        @OptionGroup var reading: ReadingOptions

        func run() throws {
            try CommandFailure.reporting {
                let list = try RouterQuery.ask("access.list", places: try Places.current())
                Terminal.say(reading.json ? list.text : AccessText.list(list))
            }
        }
    }

    struct Pair: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Let in who was given this code.")

        @Argument(help: "Six letters and digits; case and dashes do not count.")
        var code: String

        @Flag(help: "They may also answer permission prompts.")
        var approver = false

        @OptionGroup var reading: ReadingOptions

        func run() throws {
            try CommandFailure.reporting {
                try PersonOnly.require(
                    "people are let in", "switchboard access pair \(code)\(approver ? " --approver" : "")")
                let places = try Places.current()
                let answer = try RouterQuery.ask(
                    "access.pair", ["code": .string(code), "approver": .bool(approver)], places: places)
                let address = answer["address"]?.stringValue ?? ""
                guard !reading.json else { return Terminal.say(answer.text) }
                Terminal.say(Terminal.plain("\(address) is let in."))
                guard !approver, let (source, id) = AccessCommand.parts(address) else { return }
                if answer["approvers"]?.integerValue == 0,
                    PersonOnly.confirms("Nobody may answer permission prompts yet. May this person?")
                {
                    _ = try RouterQuery.ask(
                        "access.approver", ["source": .string(source), "id": .string(id), "listed": true],
                        places: places)
                    return Terminal.say("They may answer permission prompts from now on.")
                }
                Terminal.say("To let them answer permission prompts: switchboard access approver add \(source) \(id)")
            }
        }
    }

    struct Deny: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Make a code worthless.")

        @Argument(help: "The code.")
        var code: String

        @OptionGroup var reading: ReadingOptions

        func run() throws {
            try AccessCommand.change(
                "access.deny", ["code": .string(code)], "switchboard access deny \(code)", reading
            ) { "\($0["address"]?.stringValue ?? "") is not let in, and is not told so." }
        }
    }

    struct Allow: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Let in a sender by permanent id.")

        @OptionGroup var sender: SenderArguments
        @OptionGroup var reading: ReadingOptions

        func run() throws {
            try AccessCommand.change(
                "access.allow", sender.json, "switchboard access allow \(sender.line)", reading
            ) { "\($0["address"]?.stringValue ?? "") is let in." }
        }
    }

    struct Remove: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let a sender in no more, whatever the configuration says.")

        @OptionGroup var sender: SenderArguments
        @OptionGroup var reading: ReadingOptions

        func run() throws {
            try AccessCommand.change(
                "access.remove", sender.json, "switchboard access remove \(sender.line)", reading
            ) { answer in
                let open = (answer["open_groups"]?.arrayValue ?? []).compactMap(\.stringValue)
                return "\(answer["address"]?.stringValue ?? "") is let in no more"
                    + (open.isEmpty ? "." : ", but where anyone is: \(open.joined(separator: ", ")).")
            }
        }
    }

    struct Approver: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Who may answer permission prompts.", subcommands: [Add.self, Withdraw.self])

        struct Add: ParsableCommand {
            static let configuration = CommandConfiguration(
                abstract: "Let a sender answer permission prompts; a test message goes out where a chat is known.")

            @OptionGroup var sender: SenderArguments
            @OptionGroup var reading: ReadingOptions

            func run() throws {
                var arguments = sender.json
                arguments["listed"] = true
                try AccessCommand.change(
                    "access.approver", arguments, "switchboard access approver add \(sender.line)", reading
                ) { answer in
                    let told = answer["told"]?.boolValue ?? false
                    return
                        "\(answer["address"]?.stringValue ?? "") may answer permission prompts."
                        + (told
                            ? " A test message is on its way."
                            : " No direct chat with them is known yet: they write to the bot once, then cards reach them.")
                }
            }
        }

        struct Withdraw: ParsableCommand {
            static let configuration = CommandConfiguration(
                commandName: "rm", abstract: "Let a sender answer permission prompts no more.")

            @OptionGroup var sender: SenderArguments
            @OptionGroup var reading: ReadingOptions

            func run() throws {
                var arguments = sender.json
                arguments["listed"] = false
                try AccessCommand.change(
                    "access.approver", arguments, "switchboard access approver rm \(sender.line)", reading
                ) { "\($0["address"]?.stringValue ?? "") answers no permission prompts from now on." }
            }
        }
    }

    struct Policy: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "What becomes of a stranger's direct message: pairing, allowlist or disabled.")

        @Argument(help: "The source.")
        var source: String

        @Argument(help: "pairing, allowlist or disabled.")
        var policy: String

        @OptionGroup var reading: ReadingOptions

        func run() throws {
            try AccessCommand.change(
                "access.policy", ["source": .string(source), "policy": .string(policy)],
                "switchboard access policy \(source) \(policy)", reading
            ) { "\($0["source"]?.stringValue ?? ""): \($0["policy"]?.stringValue ?? "")" }
        }
    }

    struct Audit: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "What was decided and changed, without message text.",
            discussion: "With --verify: exit code 1 when a line was changed or is missing in between.")

        @Option(help: "How many lines at most, the newest.")
        var limit = 50

        @Flag(help: "Every event with the rule that decided it, let in or refused.")
        var decisions = false

        @Flag(help: "Reckon the chain of all lines again.")
        var verify = false

        @OptionGroup var reading: ReadingOptions

        func run() throws {
            try CommandFailure.reporting {
                let places = try Places.current()
                guard verify else {
                    let audit = try RouterQuery.ask(
                        "access.audit", ["limit": .integer(Int64(limit)), "decisions": .bool(decisions)], places: places
                    )
                    guard !reading.json else { return Terminal.say(audit.text) }
                    return Terminal.say(decisions ? AccessText.decisions(audit) : AccessText.audit(audit))
                }
                let result = try RouterQuery.ask("access.verify", places: places, patience: 60_000)
                if reading.json { Terminal.say(result.text) }
                let lines = result["lines"]?.integerValue ?? 0
                if result["whole"]?.boolValue ?? false {
                    if !reading.json { Terminal.say(AccessText.whole(result)) }
                    return
                }
                guard !reading.json else { throw ExitCode(1) }
                if let broken = result["first_broken"]?.integerValue {
                    throw CommandFailure(
                        "the audit was changed: line \(broken) does not fit the \(lines) before it. What follows it "
                            + "proves nothing.")
                }
                let events = (result["broken_decisions"]?.arrayValue ?? []).compactMap(\.integerValue)
                throw CommandFailure(
                    "what is stored of the events \(events.first ?? 0) to \(events.last ?? 0) is not what was decided")
            }
        }
    }

    // MARK: What they share

    struct SenderArguments: ParsableArguments {
        @Argument(help: "The source.")
        var source: String

        @Argument(help: "The sender's permanent id; never a name.")
        var id: String

        var json: JSONObject { ["source": .string(source), "id": .string(id)] }
        var line: String { "\(source) \(id)" }
    }

    static func change(
        _ query: String, _ arguments: JSONObject, _ line: String, _ reading: ReadingOptions,
        _ text: (JSONValue) -> String
    ) throws {
        try CommandFailure.reporting {
            try PersonOnly.require("access is changed", line)
            let answer = try RouterQuery.ask(query, arguments, places: try Places.current())
            Terminal.say(reading.json ? answer.text : Terminal.plain(text(answer)))
        }
    }

    private static func parts(_ address: String) -> (source: String, id: String)? {
        guard let colon = address.firstIndex(of: ":") else { return nil }
        return (String(address[..<colon]), String(address[address.index(after: colon)...]))
    }
}
