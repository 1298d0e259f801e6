import BusProtocol
import FormattedText
import JSON
import OperatingHome
import SwitchboardTesting
import Testing

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A long answer on a bad day: tables, fences and emoji, a platform that is too busy, an adapter that dies when the
/// platform has taken a message and nobody knows it.
@Suite(.serialized) struct HostileOutboundTests {
    private static let configuration = """
        adapters: { scripted: {} }
        access: { scripted: { allow: [ann] } }
        delivery: { attach_settle: 0s, first_push_wait: 0s }

        """

    /// About 20,000 characters.
    private static let markdown = (1...60).map { number in
        let rows = (1...4).map { "| 👩‍👩‍👧‍👦 \(number) | row \($0) |" }.joined(separator: "\n")
        let code = (1...9).map { "let value\($0) = \"漢字 \(number)\" // 😀" }.joined(separator: "\n")
        return "## Part \(number) 🎉\n\n**Bold** and _soft_ ~~gone~~ `code` [link](https://a.example/\(number)).\n\n"
            + "| who | what |\n|---|---|\n\(rows)\n\n```swift\n\(code)\n```"
    }.joined(separator: "\n\n")

    private struct Stage: Sendable {
        var adapter: Int32 = 0
        /// What the platform took, in order.
        var taken: [PlatformCommand] = []
        var refusals = 0
    }

    @Test func aRefusedReplyIsTriedAgainByHandOrDropped() async throws {
        try await SwitchboardHomeFixture.with(configuration: Self.configuration) { home in
            let chat = try ScriptedPlatform(home.places)
            defer { chat.close() }
            let isOpen = Watched(false)
            chat.answer { _ in isOpen.value ? nil : .rejected(reason: "the chat is closed") }
            try await home.up()
            let session = try await home.session("api")
            chat.say("hello", from: "ann")
            _ = try await session.channelEvents(1)
            for text in ["first", "second"] {
                let result = try await session.call("reply", ["chat_id": "scripted:ann", "text": .string(text)])
                #expect(result.text.contains("the chat is closed"), "\(result.text)")
            }
            let letters = try await home.json("deadletters", "list")
            let ids = (letters["letters"]?.arrayValue ?? []).compactMap { $0["id"]?.stringValue }.reversed().map { $0 }
            #expect(ids.count == 2)
            let shown = try await home.switchboard("deadletters")
            #expect(shown.output.contains("why    the chat is closed"), "\(shown.output)")

            isOpen.change { $0 = true }
            #expect(try await home.json("deadletters", "retry", ids[0]) == ["retried": 1])
            _ = try await chat.shown("the first one") { $0.text == "first" }
            #expect(try await home.json("deadletters", "drop", ids[1]) == ["dropped": 1])
            #expect(try await home.json("deadletters", "list")["letters"] == [])
            #expect(try await home.switchboard("deadletters", "drop", ids[1]).status == .exited(1))
            #expect(chat.shown.map(\.text) == ["first"])
        }
    }

    @Test func aLongAnswerArrivesWholeOnABadDay() async throws {
        try await SwitchboardHomeFixture.with(configuration: Self.configuration) { home in
            let chat = try ScriptedPlatform(
                home.places, abilities: Abilities(verbs: ["send"], features: ["formatting"], textLimit: 4_096))
            defer { chat.close() }
            let stage = Watched(Stage())
            chat.answer { command in
                stage.change { stage in
                    if command.key.contains("/3"), stage.refusals == 0 {
                        stage.refusals += 1
                        return .retry(after: 200, reason: "too many requests")
                    }
                    stage.taken.append(command)
                    if command.key.hasSuffix("/4") { kill(stage.adapter, SIGKILL) }
                    return .sent(ids: ["m\(stage.taken.count)"])
                }
            }
            try await home.up()
            let adapter = try await chat.connected()
            stage.change { $0.adapter = adapter }
            let session = try await home.session("api")
            chat.say("write it all down", from: "ann")
            _ = try await session.channelEvents(1)

            let arguments: JSONValue = ["chat_id": "scripted:ann", "text": .string(Self.markdown)]
            var result = try await session.call("reply", arguments)
            // On a slow machine the answer may come before the end; the same words are the same reply.
            while MainJobTests.status(of: result) == "queued" {
                _ = try await chat.connected()
                result = try await session.call("reply", arguments)
            }

            let taken = stage.value.taken
            let count = taken.count
            #expect(count >= 5, "\(Self.markdown.count) characters in \(count) messages")
            #expect(Set(taken.map(\.key)).count == count, "nothing is repeated")
            let parts = taken.map { FormattedText($0.arguments) }
            #expect(parts.allSatisfy { $0.text.utf16.count <= 4_096 })
            // A fence is closed at the end of a message and opened again in the next one: all code is in a span.
            let code = parts.flatMap { part in
                part.spans.filter { $0.style == .pre(language: "swift") }
                    .map { String(decoding: Array(part.text.utf16)[$0.start..<$0.end], as: UTF16.self) }
            }.joined()
            let source = Self.markdown.split(separator: "```").filter { $0.hasPrefix("swift\n") }
                .map { $0.dropFirst(6).dropLast() }
            #expect(code.filter { $0 != "\n" } == source.joined().filter { $0 != "\n" })
            for number in 1...60 {
                let heading = "Part \(number) 🎉"
                #expect(parts.map(\.text).joined().contains(heading), "\(heading) is missing")
            }
            #expect(taken.map { $0.arguments["silent"]?.boolValue ?? false } == taken.indices.map { $0 < count - 1 })

            // What is certain, and what is not.
            #expect(MainJobTests.status(of: result) == "unknown", "\(result.text)")
            #expect(result.text.contains("message 4: may have been sent or not"), "\(result.text)")
            let ids = result["structuredContent"]?["ids"]?.arrayValue?.compactMap(\.stringValue)
            #expect(ids == (1...count).filter { $0 != 4 }.map { "m\($0)" })

            let next = try await session.call("reply", ["chat_id": "scripted:ann", "text": "and **done**"])
            #expect(MainJobTests.status(of: next) == "sent")
            #expect(stage.value.taken.last?.arguments["text"] == "and done")

            let letters = try await home.json("deadletters", "list")
            #expect(letters["letters"]?.arrayValue?.map { $0["state"] } == ["unknown"], "\(letters.text)")
            #expect(letters["letters"]?.arrayValue?.first?["parts"] == [4])
            let history = try await home.json("history")
            #expect(history["replies"]?.arrayValue?.first?["of"] == .integer(Int64(count)))
        }
    }
}
