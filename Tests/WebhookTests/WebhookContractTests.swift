import SwitchboardTesting
import Testing

@Suite(.serialized) struct WebhookContractTests {
    /// Not `attachments`, which shows any bytes: here the file is the request itself, as `WebhookAnswerTests` shows.
    @Test(.timeLimit(.minutes(2)), arguments: AdapterContract.Clause.allCases.filter { $0 != .attachments })
    func contract(_ clause: AdapterContract.Clause) async throws {
        try await AdapterContract(WebhookFixture()).check(clause)
    }

    /// From receipt to commit and through every kill, for a sender that proves himself by what he sends.
    /// Not `refusal`: that one knows the refused event by its id, and here the id is a digest.
    @Test(
        .timeLimit(.minutes(2)),
        arguments: AdapterContract.Clause.allCases.filter { ![.refusal, .attachments].contains($0) })
    func contractOfASigningRoute(_ clause: AdapterContract.Clause) async throws {
        try await AdapterContract(try SignedFixture()).check(clause)
    }
}
