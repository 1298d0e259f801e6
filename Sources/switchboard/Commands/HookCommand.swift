import ArgumentParser
import BusProtocol
import ChannelSession
import JSON
import MessageBus
import OperatingHome

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// What Claude Code runs for a hook of type `command`. It reports the hook to the router and prints what Claude Code is
/// to do; whatever goes wrong, it prints nothing and ends with 0, because a hook must not disturb Claude Code.
struct HookCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hook", abstract: "Report a hook of Claude Code (its JSON on standard input).",
        discussion: """
            The plugin uses it for what Claude Code cannot call a tool for. It ends with 0 and within half a second \
            whether a router runs or not.
            """)

    /// Claude Code waits for the router's word so long at most, in milliseconds.
    static let patience: Int64 = 300
    private static let inputLimit = 4 << 20

    func run() {
        guard let input = Self.input() else { return }
        let decision = input.decision(inboxFolder: MCPCommand.inboxFolder())
        let answer = Self.report(input)
        // What is decided here holds whatever the router says: it is about our own tools.
        guard let said = decision ?? answer, said.objectValue?.isEmpty == false else { return }
        Terminal.say(said.text)
    }

    private static func input() -> HookInput? {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while bytes.count <= inputLimit {
            let count = read(0, &chunk, chunk.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { break }
            bytes += chunk[..<count]
        }
        guard bytes.count <= inputLimit else { return nil }
        do { return HookInput(try JSONValue(parsing: bytes)) } catch { return nil }
    }

    /// `CLAUDE_PID` is the process that also started the session's endpoint; older versions give only their own as the
    /// parent.
    private static var claudeCode: Int64 {
        ProcessEnvironment.value("CLAUDE_PID").flatMap { Int64($0) } ?? Int64(getppid())
    }

    private static func report(_ input: HookInput) -> JSONValue? {
        let report = input.report(id: RandomBytes.hexadecimal(count: 12), now: TimeText.now())
        do {
            return try RouterQuery.ask(
                "hook", ["parent": .integer(claudeCode), "report": report.json], places: try Places.current(),
                patience: patience)
        } catch {
            return nil
        }
    }
}
