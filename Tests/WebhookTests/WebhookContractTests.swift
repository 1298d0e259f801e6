import SwitchboardTesting
import Testing

@Suite(.serialized) struct WebhookContractTests {
    @Test(.timeLimit(.minutes(2)), arguments: AdapterContract.Clause.allCases)
    func contract(_ clause: AdapterContract.Clause) async throws {
        try await AdapterContract(WebhookFixture()).check(clause)
    }
}
