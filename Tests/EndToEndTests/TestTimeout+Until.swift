import SwitchboardTesting

extension TestTimeout {
    /// Asks again until it is so; the limit is only a net under a broken test.
    static func until(_ what: String, _ condition: () async throws -> Bool) async throws {
        let limit = ContinuousClock.now + .seconds(30)
        while try await !condition() {
            guard ContinuousClock.now < limit else { throw TestTimeout(what: what) }
        }
    }
}
