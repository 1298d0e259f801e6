import BusProtocol
import JSON
import OperatingHome

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The words that every adapter's program understands, alike for all kinds.
struct AdapterCommandLine {
    enum Word: Hashable {
        case run
        case describe
        case questions
        case imports
        case check(settings: String?)
        case sample(Sample)
        case version
        case help
    }

    /// What is to be tried, and with which settings.
    struct Sample: Hashable {
        var route: String
        var file: String
        var isSigned: Bool
        var settings: String?
    }

    var word: Word
    var isJSON: Bool

    /// - Throws: ``UsageError`` naming the word that is not understood.
    init(_ arguments: [String]) throws(UsageError) {
        var words = arguments[...]
        isJSON = words.contains("--json")
        words.removeAll { $0 == "--json" }
        switch words.popFirst() {
        case nil: word = .run
        case "describe": word = .describe
        case "init":
            word = .questions
            if words.first == "--import" {
                word = .imports
                words.removeFirst()
            }
        case "version", "--version": word = .version
        case "help", "--help", "-h": word = .help
        case "check":
            word = .check(settings: nil)
            if words.first == "--settings" {
                guard words.count >= 2 else { throw UsageError(message: "--settings needs a JSON object") }
                word = .check(settings: words[words.startIndex + 1])
                words = words.dropFirst(2)
            }
        case "sample":
            func value(of option: String) throws(UsageError) -> String? {
                guard let index = words.firstIndex(of: option) else { return nil }
                guard index + 1 < words.endIndex else { throw UsageError(message: "\(option) needs a value") }
                defer { words.removeSubrange(index...(index + 1)) }
                return words[index + 1]
            }
            let isSigned = words.contains("--sign")
            words.removeAll { $0 == "--sign" }
            guard let route = try value(of: "--route"), let file = try value(of: "--file") else {
                throw UsageError(message: "sample needs --route and --file")
            }
            word = .sample(
                Sample(route: route, file: file, isSigned: isSigned, settings: try value(of: "--settings")))
        case .some(let other): throw UsageError(message: "there is no command \(other)")
        }
        if let surplus = words.first { throw UsageError(message: "there is no argument \(surplus) here") }
    }

    struct UsageError: Error { var message: String }

    static func help(_ description: AdapterDescription) -> String {
        let program = "switchboard-\(description.kind)"
        return """
            \(program) \(description.version): \(description.summary)

            \(program)                      run (`switchboard up` does this)
            \(program) describe [--json]    abilities, settings, set-up questions
            \(program) init [--json]        the questions of a first set-up
            \(program) init --import        set-ups of other programs that can be taken over; for a pipe
            \(program) check [--json] [--settings JSON]
                                            judge settings, from standard input by default;
                                            exit 1 when something must be mended
            \(program) sample --route NAME --file PATH [--sign] [--json] [--settings JSON]
                                            give the running adapter what its platform would send
            \(program) version

            SWITCHBOARD_HOME, SWITCHBOARD_SOURCE and SWITCHBOARD_SOURCE_KEY say for which home and source it runs.

            """
    }
}
