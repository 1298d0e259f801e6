import ArgumentParser
import ChannelEvents
import JSON
import OperatingHome

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

struct SendCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "send", abstract: "Send a text out to a chat, or a sample in to an adapter's route.",
        discussion: """
            `switchboard send CONVERSATION TEXT` goes through the outbox. `switchboard send --route NAME --file PATH` gives \
            the running adapter what its platform would have sent; --sign signs it with the secret of the configuration. \
            Exit code 0 when it was sent, or queued because the platform is away: the outbox keeps it. 3 when it may or \
            may not have been sent; it is not sent again by itself. 1 when it was refused.
            """)

    @Argument(help: "source:chat or source:chat/thread, such as webhook:ci.")
    var conversation: String?

    @Argument(help: "The text; `-` reads it from standard input.")
    var text: String?

    @OptionGroup var sample: SampleOptions

    @OptionGroup var reading: ReadingOptions

    func validate() throws {
        guard !sample.isGiven else {
            guard conversation == nil else {
                throw ValidationError("give CONVERSATION and TEXT, or --route and --file")
            }
            return try sample.validate()
        }
        guard let conversation, Conversation(conversation) != nil else {
            throw ValidationError("CONVERSATION is source:chat or source:chat/thread, such as webhook:ci")
        }
        guard let text, !text.isEmpty else { throw ValidationError("the text is empty") }
    }

    func run() throws {
        try CommandFailure.reporting {
            guard !sample.isGiven else { return try sample.send(isJSON: reading.json) }
            let arguments: JSONObject = [
                "conversation": .string(conversation ?? ""),
                "text": .string(text == "-" ? try Self.standardInput() : text ?? ""),
            ]
            let answer = try RouterQuery.ask("send", arguments, places: try Places.current(), patience: 60_000)
            let status = answer["status"]?.stringValue ?? "unknown"
            if reading.json {
                Terminal.say(answer.text)
            } else {
                let ids = (answer["ids"]?.arrayValue ?? []).compactMap(\.stringValue).joined(separator: ", ")
                let message = answer["message"]?.stringValue ?? ""
                let head = status + (ids.isEmpty ? "" : " as \(ids)")
                // The router's sentence begins with the status where there is more to say.
                let isWhole = message.hasPrefix(status) && ids.isEmpty
                Terminal.say(Terminal.plain(isWhole ? message : message.isEmpty ? head : "\(head): \(message)"))
            }
            switch status {
            case "sent", "queued": return
            case "unknown": throw ExitCode(3)
            default: throw ExitCode(1)
            }
        }
    }

    private static let limit = 65_536

    private static func standardInput() throws -> String {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while bytes.count <= limit {
            let count = read(0, &chunk, chunk.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { break }
            bytes += chunk[..<count]
        }
        guard bytes.count <= limit else { throw CommandFailure("the text is longer than \(limit) bytes") }
        guard let text = String(validating: bytes, as: UTF8.self), !text.isEmpty else {
            throw CommandFailure("standard input is empty or not UTF-8 text")
        }
        return text
    }
}
