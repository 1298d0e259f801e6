import ArgumentParser
import JSON
import OperatingHome

struct LogsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logs", abstract: "Show the logs that `switchboard up` collects.")

    @Argument(help: "A process: router, up or a source's name. All without it.")
    var name: String?

    @Flag(name: .shortAndLong, help: "Go on with what is written from now on, until Ctrl-C.")
    var follow = false

    @Option(name: [.customShort("n"), .long], help: "So many of the last lines of each.")
    var lines: Int = 50

    @OptionGroup var reading: ReadingOptions

    func validate() throws {
        guard (0...100_000).contains(lines) else { throw ValidationError("--lines is 0 to 100000") }
        if follow && reading.json {
            throw ValidationError("-f shows lines as they were written; for JSON lines set `log: { format: json }`")
        }
    }

    func run() throws {
        try CommandFailure.reporting {
            let places = try Places.current()
            let files = try LogFiles.find(name, in: places)
            // `tail -F` follows a file through its rotation, on every system; there is nothing to do better.
            if follow, let tail = try ProgramFinder.find("tail") {
                try ProgramFinder.execute(tail, ["-n", String(lines), "-F"] + files.map(\.path))
            }
            for file in files {
                let last = try LogFiles.lastLines(file.path, lines)
                if reading.json {
                    for line in last {
                        Terminal.say(JSONValue.object(["name": .string(file.name), "line": .string(line)]).text)
                    }
                } else {
                    if files.count > 1 { Terminal.say("==> \(file.name) <==") }
                    for line in last { Terminal.say(Terminal.plain(line)) }
                }
            }
        }
    }
}
