import Testing

@testable import switchboard

@Suite struct RestartPolicyTests {
    @Test func pausesDoubleUpToTheLongest() {
        var policy = RestartPolicy()
        let pauses = (0..<8).map { _ in policy.ended(after: 10) }
        #expect(pauses == [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000])
    }

    @Test func aSteadyRunForgivesWhatWasBefore() {
        var policy = RestartPolicy()
        for _ in 0..<5 { _ = policy.ended(after: 59_999) }
        #expect(policy.ended(after: 60_000) == 1_000)
        #expect(policy.ended(after: 0) == 2_000)
    }

    @Test func noNumberOfFailuresOverflows() {
        var policy = RestartPolicy()
        for _ in 0..<10_000 { #expect((1_000...30_000).contains(policy.ended(after: 0))) }
    }
}
