import ArgumentParser
import OperatingHome

/// Why a command failed, in words that say what to do. It goes to standard error as `switchboard: …`.
struct CommandFailure: Error {
    let message: String
    let code: Int32

    init(_ message: String, code: Int32 = 1) {
        self.message = message
        self.code = code
    }

    static func noRouter(_ places: Places) -> CommandFailure {
        CommandFailure("no router runs for \(places.state); start one with: switchboard up --detach")
    }

    func report() { Terminal.complain("switchboard: \(message)") }

    /// Runs a command's body: what it throws is reported once, and the exit code says it.
    static func reporting(_ body: () throws -> Void) throws {
        do { try body() } catch let failure as CommandFailure {
            failure.report()
            throw ExitCode(failure.code)
        } catch let error as HomeError {
            CommandFailure(error.message).report()
            throw ExitCode(1)
        }
    }
}
