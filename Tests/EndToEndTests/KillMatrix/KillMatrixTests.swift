import OperatingHome
import SwitchboardTesting
import Testing

/// SIGKILL of any process at any moment: no event lost, none twice without a mark, no reply sent twice.
///
/// `SWITCHBOARD_KILLS` is how many (300 by default; 1000 is the long form), `SWITCHBOARD_SEED` repeats the choices of a
/// run, though not its timing.
@Suite(.serialized) struct KillMatrixTests {
    static let kills = ProcessEnvironment.value("SWITCHBOARD_KILLS").flatMap { Int($0) } ?? 300
    static let seed = ProcessEnvironment.value("SWITCHBOARD_SEED").flatMap { UInt64($0) } ?? .random(in: 0 ... .max)

    @Test func nothingIsLostAndNothingIsSentTwice() async throws {
        try await SwitchboardHomeFixture.with(configuration: RehearsalStage.configuration) { home in
            let start = ContinuousClock.now
            let stage = try RehearsalStage(home)
            var random = SeededGenerator(seed: Self.seed)
            var count: [RehearsalStage.Victim: Int] = [:]
            do {
                try await stage.begin()
                for _ in 0..<Self.kills {
                    try await Self.wait(for: stage, &random)
                    let victim = Self.victim(&random)
                    count[victim, default: 0] += 1
                    try await stage.kill(victim, &random)
                }
                try await stage.settle()
            } catch {
                let status = await stage.standing()
                await stage.abandon()
                let kills = count.map { "\($0.key) \($0.value)" }.sorted().joined(separator: ", ")
                throw SwitchboardHomeFixture.Failure(
                    description: "\(error); seed \(Self.seed), killed \(kills); router \(stage.router.ends), "
                        + "adapter \(stage.adapter.ends); \(try RehearsalVerdict(stage).summary); \(status)")
            }
            try await stage.end()

            let verdict = try RehearsalVerdict(stage)
            let kills = count.map { "\($0.key) \($0.value)" }.sorted().joined(separator: ", ")
            print(
                "kill matrix: \(Self.kills) kills (\(kills)) in \(ContinuousClock.now - start), seed \(Self.seed); "
                    + verdict.summary)
            verdict.checkEvents()
            verdict.checkCursors()
            verdict.checkReplies()
            #expect(stage.router.ends.failure == nil)
            // A supervisor that was killed early may have left a router that had yet to take the lock: then ours found
            // it taken, and came again.
            let statuses = stage.router.ends.statuses
            #expect(
                Set(statuses.keys).isSubset(of: [.exited(0), .exited(1)]), "the router ended by itself: \(home.logs)")
            #expect(statuses[.exited(0)] == 1)
            #expect(statuses[.exited(1)] ?? 0 <= count[.supervisor] ?? 0, "\(home.logs)")
        }
    }

    /// Mostly something has to get on first, so that each kill finds work under way; sometimes the next kill comes at
    /// once, into what recovers from the last.
    private static func wait(for stage: RehearsalStage, _ random: inout SeededGenerator) async throws {
        switch Int.random(in: 0..<48, using: &random) {
        case 0..<12: try await RehearsalStage.moment(milliseconds: 60, &random)
        case 12:
            // More than fits into one batch.
            stage.post(through: stage.posted + 400)
            try await stage.progress(Int.random(in: 1...200, using: &random))
        default:
            try await stage.progress(Int.random(in: 1...24, using: &random))
            try await RehearsalStage.moment(milliseconds: 3, &random)
        }
    }

    private static func victim(_ random: inout SeededGenerator) -> RehearsalStage.Victim {
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<32: return .adapter
        case 32..<64: return .router
        case 64..<90: return .endpoint
        case 90..<95: return .supervisor
        default: return .everything
        }
    }
}
