import AdapterKit
import SwitchboardTesting
import Testing

@testable import telegram_simulator

/// Scenario 3 of those who were deaf: another poller, a socket that never answers, a flood. It must be said, and end by
/// itself. `SWITCHBOARD_LONG_TESTS=1` takes as long as the scenario says (five minutes); else only what is quick is tried.
@Suite(.serialized) struct DeafRecoveryTests {
    static let isLong = ProcessEnvironment.value("SWITCHBOARD_LONG_TESTS") != nil
    /// Receiving must be back so long after the cause went away, and health must be red so long after the last poll.
    static let recovery = Duration.seconds(60)
    static let red = Duration.seconds(90)

    @Test(.timeLimit(.minutes(10))) func whatEndsByItselfIsHeardAgain() async throws {
        let fixture = try await TelegramFixture()
        let bench = try AdapterBench(fixture)
        do {
            try await bench.start()
            var count = 0
            for weather in Self.weathers {
                count += 1
                try await endure(weather, fixture, bench, count)
            }
        } catch {
            await bench.stop()
            await fixture.close()
            throw error
        }
        #expect(bench.adapterStatus == nil, "the adapter ended")
        await bench.stop()
        await fixture.close()
    }

    struct Trial {
        var weather: SimulatedWeather
        /// After so many reports of deafness the cause goes away: eight are two minutes of conflict.
        var reports: Int
    }

    static let weathers: [Trial] =
        isLong
        ? [
            Trial(weather: .conflict, reports: 8), Trial(weather: .silent, reports: 1),
            Trial(weather: .silent, reports: 3),
            Trial(weather: .flood(40), reports: 1), Trial(weather: .page, reports: 6),
        ]
        : [
            Trial(weather: .conflict, reports: 1), Trial(weather: .flood(1), reports: 2),
            Trial(weather: .page, reports: 2), Trial(weather: .cut, reports: 2), Trial(weather: .broken, reports: 2),
        ]

    private func endure(_ trial: Trial, _ fixture: TelegramFixture, _ bench: AdapterBench, _ count: Int) async throws {
        bench.router.memory.change { $0.health = [] }
        let start = ContinuousClock.now
        fixture.platform.forecast(Forecast(trial.weather, ["getupdates"]))
        // Ends the poll that waits, so that the next one meets the weather.
        fixture.platform.end(nil, .time)
        _ = try await bench.router.memory.wait(for: "a deaf report", within: Self.red) { !$0.health.isEmpty }
        #expect(start.duration(to: .now) < Self.red)
        let memory = try await bench.router.memory.wait(for: "\(trial.reports) reports", within: .seconds(300)) {
            $0.health.count >= trial.reports
        }
        #expect(memory.health.allSatisfy { $0.state == .deaf })
        #expect(memory.health.last?.reason?.contains("@simulated_bot") == true)
        fixture.platform.say("after \(count)", from: TelegramFixture.ann)
        fixture.platform.clearUp()
        let clear = ContinuousClock.now
        _ = try await bench.router.memory.wait(for: "the message after \(trial.weather)", within: Self.recovery) {
            $0.events.count == count && $0.health.last?.state == .up
        }
        print("\(trial.weather): heard again after \(clear.duration(to: .now))")
    }
}
