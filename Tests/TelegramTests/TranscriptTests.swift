import AdapterKit
import SwitchboardTesting
import Testing

@testable import telegram_simulator

@Suite(.serialized) struct TranscriptTests {
    @Test(.timeLimit(.minutes(2)), arguments: [["cat"], ["false"], ["no-such-program"]])
    func aVoiceNoteComesWithItsText(_ command: [String]) async throws {
        let fixture = try await TelegramFixture(more: ["transcribe": .array(command.map(JSONValue.string))])
        let bench = try AdapterBench(fixture)
        do {
            try await bench.start()
            fixture.platform.sendFile(
                Array("restart the build".utf8), name: "v.ogg", as: "voice", type: "audio/ogg", from: 42)
            let body = try EventBody(json: try await bench.router.events(1)[0].body)
            #expect(body.text == (command == ["cat"] ? "[voice]\nrestart the build" : "[voice]"))
            #expect(body.attachments.count == 1)
        } catch {
            await bench.stop()
            await fixture.close()
            throw error
        }
        await bench.stop()
        await fixture.close()
    }
}
