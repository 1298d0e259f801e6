import SwitchboardTesting
import Testing

@Suite(.serialized) struct TelegramContractTests {
    @Test(.timeLimit(.minutes(2)), arguments: AdapterContract.Clause.allCases)
    func contract(_ clause: AdapterContract.Clause) async throws {
        let fixture = try await TelegramFixture()
        do {
            try await AdapterContract(fixture).check(clause)
        } catch {
            await fixture.close()
            throw error
        }
        await fixture.close()
    }
}
