import ArgumentParser

/// Measures every row of the design's table that exists, each with its floor or peer in the same run.
///
/// Figures are ratios: machines differ and are noisy. Nothing here passes or fails on the clock.
@main
struct Benchmarks: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "switchboard-benchmarks", abstract: "Figures, floors and ratios. Build it with -c release.",
        discussion: "Rows: \(Row.allCases.map(\.rawValue).joined(separator: ", ")). All when none is named.")

    @Argument(help: "The rows to measure.")
    var rows: [Row] = []

    @Option(help: "The folder with switchboard and switchboard-router; beside this program when not given.")
    var programs: String?

    @Flag(help: "A short form that shows that everything runs: its figures mean nothing.")
    var smoke = false

    enum Row: String, CaseIterable, ExpressibleByArgument {
        case publish, latency, sessions, backlog, updates, start, memory
    }

    func run() throws {
        let programs = try programs ?? Programs.besideThis()
        for row in rows.isEmpty ? Row.allCases : rows {
            let bench = Bench(programs: programs, isSmoke: smoke)
            switch row {
            case .publish: try bench.publish()
            case .latency: try bench.latency()
            case .sessions: try bench.sessions()
            case .backlog: try bench.backlog()
            case .updates: try bench.updates()
            case .start: try bench.start()
            case .memory: try bench.memory()
            }
        }
    }
}

/// What every row needs.
struct Bench {
    let programs: String
    let isSmoke: Bool

    /// One line of the report.
    func report(_ row: String, _ figure: String, _ comparison: String) {
        print("\(row.padded(26)) \(figure.padded(34)) \(comparison)")
    }
}

extension String {
    func padded(_ width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
