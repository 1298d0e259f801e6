import OperatingHome

/// Everything that can be wrong, looked at in the order in which one thing stands on the other: the machine and the
/// configuration, what runs, what Claude Code will do. It changes nothing.
struct Examination {
    let places: Places
    let environment: [String: String]
    private(set) var findings: [Finding] = []

    init(places: Places, environment: [String: String] = ProcessEnvironment.all()) {
        self.places = places
        self.environment = environment
    }

    /// The whole of it.
    mutating func run() {
        examineMachine()
        examineRouter()
        examineClaudeCode()
    }

    var isWell: Bool { !findings.contains { $0.grade == .broken } }

    mutating func note(_ grade: Finding.Grade, _ subject: String, _ message: String, mend: String = "") {
        findings.append(Finding(subject: subject, grade: grade, message: message, mend: mend))
    }

    /// Runs one look; what it throws is a finding of its own and never the end of the examination.
    mutating func look(at subject: String, _ body: (inout Examination) throws -> Void) {
        do { try body(&self) } catch let failure as CommandFailure {
            note(.broken, subject, failure.message)
        } catch let error as HomeError {
            note(.broken, subject, error.message)
        } catch {
            note(.broken, subject, "\(error)")
        }
    }
}
