import SwitchboardTesting
import Testing

@Suite(.serialized) struct WebhookContractTests {
    @Test(.timeLimit(.minutes(2)), arguments: AdapterContract.Clause.allCases)
    func contract(_ clause: AdapterContract.Clause) async throws {
        try await AdapterContract(WebhookFixture()).check(clause)
    }

    /// From receipt to commit and through every kill, for a sender that proves himself by what he sends.
    /// Not `refusal`: that one knows the refused event by its id, and here the id is a digest.
    @Test(.timeLimit(.minutes(2)), arguments: AdapterContract.Clause.allCases.filter { $0 != .refusal })
    func contractOfASigningRoute(_ clause: AdapterContract.Clause) async throws {
        try await AdapterContract(try SignedFixture()).check(clause)
    }
}
