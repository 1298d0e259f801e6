import OperatingHome

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Commands that change access, grants or keys are a person's: neither a chat nor a model gets at them.
enum PersonOnly {
    /// - Parameters:
    ///   - what: what the command does, as the beginning of a sentence.
    ///   - line: the command, for a person to run.
    /// - Throws: ``CommandFailure`` under Claude Code and without a terminal.
    static func require(_ what: String, _ line: String) throws {
        guard ProcessEnvironment.value("CLAUDECODE") == nil, isatty(0) == 1 else {
            throw CommandFailure("\(what) by a person at a terminal; run there: \(line)")
        }
    }

    /// For what a script may do and a model may not.
    static func refuseUnderClaude(_ what: String, _ line: String) throws {
        guard ProcessEnvironment.value("CLAUDECODE") == nil else {
            throw CommandFailure("\(what) by a person, not by Claude; run at a terminal: \(line)")
        }
    }

    /// Asks a question that is no unless it is answered with yes.
    static func confirms(_ question: String) -> Bool {
        Terminal.write("\(question) [y/N] ", to: 2)
        let answer = readLine(strippingNewline: true)?.lowercased() ?? ""
        return answer == "y" || answer == "yes"
    }
}
