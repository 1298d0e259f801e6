import ArgumentParser
import ChannelEvents
import JSON
import MessageBus
import OperatingHome

struct TapCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tap", abstract: "Watch live what the router does, until Ctrl-C.",
        discussion: "Lines are missed when they are not read in time; `history` has what was stored.")

    @Option(help: "Only what is about this source.")
    var source: String?

    @Option(help: "Only what is about this session.")
    var session: String?

    @OptionGroup var reading: ReadingOptions

    func run() throws {
        try CommandFailure.reporting {
            let places = try Places.current()
            guard try RouterQuery.runningRouter(places) != nil else { throw CommandFailure.noRouter(places) }
            do {
                let tap = try TapObserver(path: places.tapSocket)
                while true {
                    guard let line = try tap.next(milliseconds: -1), let value = Self.parse(line), matches(value) else {
                        continue
                    }
                    let text = reading.json ? value.text : TapText.text(topic: line.topic, value)
                    // Whoever read this is gone: `switchboard tap | head` ends here.
                    guard Terminal.write(text + "\n", to: 1) else { return }
                }
            } catch let error as BusError {
                throw CommandFailure("cannot watch the router: \(error.message)")
            }
        }
    }

    /// The line's object with its topic; `nil` when it is none, which a router of this version never sends.
    private static func parse(_ line: TapObserver.Line) -> JSONValue? {
        do {
            guard var members = try JSONValue(parsing: line.json).objectValue else { return nil }
            if members["topic"] == nil { members["topic"] = .string(line.topic) }
            return .object(members)
        } catch {
            return nil
        }
    }

    private func matches(_ value: JSONValue) -> Bool {
        if let session, value["session"]?.stringValue != session { return false }
        guard let source else { return true }
        if let named = value["source"]?.stringValue { return named == source }
        let conversation = value["conversation"]?.stringValue.flatMap { Conversation($0) }
        return conversation?.source.text == source
    }
}
