import AdapterKit
import SwitchboardTesting
import Testing

@testable import telegram_simulator

/// The kill matrix at the platform's edge: adapter and router die at any moment, and the server never forgets an update
/// that the router has not committed.
@Suite(.serialized) struct OffsetLedgerTests {
    static let kills = ProcessEnvironment.value("SWITCHBOARD_KILLS").flatMap { Int($0) }.map { max(1, $0 / 10) } ?? 12
    static let seed = ProcessEnvironment.value("SWITCHBOARD_SEED").flatMap { UInt64($0) } ?? .random(in: 0 ... .max)

    @Test(.timeLimit(.minutes(10))) func noCommittedOffsetIsBeyondTheRouter() async throws {
        let fixture = try await TelegramFixture()
        do {
            try await run(fixture)
        } catch {
            await fixture.close()
            throw SwitchboardTesting.TestTimeout(what: "\(error); seed \(Self.seed)")
        }
        await fixture.close()
    }

    private func run(_ fixture: TelegramFixture) async throws {
        var random = SeededGenerator(seed: Self.seed)
        let bench = try AdapterBench(fixture)
        // Judged at each commit, not at the end: a router that catches up later would hide it.
        let router = bench.router
        let platform = fixture.platform
        let tooFar = Watched<[String]>([])
        platform.watch {
            guard let commit = platform.commits.last else { return }
            let committed = router.memory.value.cursor?["offset"]?.integerValue ?? 0
            if commit.offset > committed { tooFar.change { $0.append("\(commit.offset) beyond \(committed)") } }
        }
        try await bench.start()
        var posted = 0
        for _ in 0..<Self.kills {
            for _ in 0..<Int.random(in: 1...150, using: &random) {
                posted += 1
                platform.say("\(posted)", from: TelegramFixture.ann)
            }
            let wanted = Int.random(in: 0...posted, using: &random)
            _ = try await router.memory.wait(for: "\(wanted) events") { $0.events.count >= wanted }
            if Bool.random(using: &random) {
                try await bench.kill()
                try await bench.startAdapter()
            } else {
                try await router.stop()
                try await router.start()
            }
        }
        let total = posted
        let events = try await router.events(total)
        try await fixture.wait(for: "the server to forget all") { $0.waiting == 0 }
        #expect(tooFar.value == [])
        let texts = try events.map { try EventBody(json: $0.body).text }
        #expect(texts == (1...total).map { "\($0)" })
        await bench.stop()
        print(
            "offset ledger: \(Self.kills) kills, \(total) updates, \(platform.commits.count) commits, seed \(Self.seed)"
        )
    }
}
