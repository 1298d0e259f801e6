import ChannelEvents
import JSON
import SwitchboardTesting
import Testing

/// 64 real endpoints and a thousand conversations at once.
@Suite struct RoutesAtScaleTests {
    private static let configuration = """
        adapters: { scripted: {} }
        access: { scripted: { allow: [ann] } }
        delivery: { attach_settle: 0s, first_push_wait: 0s }

        """

    @Test func manySessionsAndConversationsDoNotMix() async throws {
        try await SwitchboardHomeFixture.with(configuration: Self.configuration) { home in
            let chat = try ScriptedPlatform(home.places)
            defer { chat.close() }
            try await home.up()
            var sessions: [ScriptedSession] = []
            for number in 0..<64 {
                let session = try await home.session("s\(number)")
                _ = try await session.call("conversations")
                sessions.append(session)
            }
            for number in 0..<1_000 { chat.say("/use s\(number % 64)", from: "ann", in: "c\(number)") }
            var random = SeededGenerator(seed: 1_000)
            var newest = [Int](repeating: -1, count: 64)
            for round in 0..<2 {
                for number in (0..<1_000).shuffled(using: &random) {
                    chat.say("\(number) \(round)", from: "ann", in: "c\(number)")
                    newest[number % 64] = number
                }
            }
            for (index, session) in sessions.enumerated() {
                let mine = (0..<1_000).filter { $0 % 64 == index }
                let events = try await session.channelEvents(2 * mine.count, within: .seconds(120))
                let expected = Set(mine.flatMap { ["\($0) 0", "\($0) 1"] })
                #expect(Set(events.map(\.content)) == expected && events.count == expected.count)
                #expect(events.last?.content == "\(newest[index]) 1")
                for event in events {
                    let number = event.content.split(separator: " ").first ?? ""
                    #expect(event.meta["chat_id"] == "scripted:c\(number)")
                }
            }
            #expect(try await home.json("routes")["bindings_count"] == 1_000)
        }
    }
}
