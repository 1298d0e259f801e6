import OperatingHome

/// A program that ran to its end, with what it said.
struct ProgramOutcome: Sendable {
    let status: ExitStatus
    let output: String
    let errors: String
}
