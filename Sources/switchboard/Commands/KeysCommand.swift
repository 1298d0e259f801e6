import ArgumentParser
import ChannelEvents
import MessageBus
import OperatingHome

/// Keys are a person's to make: neither a chat nor a model gets at them.
struct KeysCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys",
        abstract: "Make and show keys: of a source, for an adapter that `up` does not start; for TCP.",
        subcommands: [Source.self, Pair.self])

    struct Source: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the key of a source, making it when there is none.",
            discussion: "Hand it to the adapter as SWITCHBOARD_SOURCE_KEY; it says it in HELLO.")

        @Argument(help: "The source: 1 to 32 of a-z, 0-9 and -, starting with a letter.")
        var name: String

        func run() throws {
            try CommandFailure.reporting {
                try PersonOnly.require("keys are made", "switchboard keys source \(name)")
                guard let source = SourceName(name) else {
                    throw CommandFailure("\(name) is no source: 1 to 32 of a-z, 0-9 and -, starting with a letter")
                }
                let places = try Places.current()
                try places.prepare()
                Terminal.say(try SourceKey.load(source.text, places: places))
            }
        }
    }

    struct Pair: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print a new CURVE key pair, for a router that listens on TCP or a peer that comes over it.",
            discussion: "Nothing is stored: the public key goes into switchboard.yaml, the secret one into secrets.env."
        )

        func run() throws {
            try CommandFailure.reporting {
                try PersonOnly.require("keys are made", "switchboard keys pair")
                do throws(BusError) {
                    let pair = try RemoteKeys.make()
                    Terminal.say("public_key: \(pair.publicKey)\nsecret_key: \(pair.secretKey)")
                } catch {
                    throw CommandFailure(error.message)
                }
            }
        }
    }
}
