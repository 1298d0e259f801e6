import JSON
import OperatingHome
import SwitchboardTesting

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A Claude session that answers every message with `reply`, until its endpoint is killed.
///
/// Half of its answers are worded the same by every incarnation, as a model may well do: such a text must not reach
/// the chat twice. The others name the incarnation.
final class RehearsedSession: Sendable {
    let incarnation: String
    private let session: ScriptedSession
    private let record: RehearsalRecord
    private let messages: AsyncStream<RehearsalRecord.Writing>.Continuation
    private let answering: Task<Void, Never>
    /// Calls a session has under way at once.
    private static let openCalls = 24

    /// Starts `switchboard mcp` and opens it as Claude Code does.
    static func open(
        _ home: SwitchboardHomeFixture, label: String, number: Int, record: RehearsalRecord
    ) async throws -> RehearsedSession {
        let session = try RehearsedSession(home, label: label, incarnation: "\(label)-\(number)", record: record)
        try await session.session.open()
        return session
    }

    private init(_ home: SwitchboardHomeFixture, label: String, incarnation: String, record: RehearsalRecord) throws {
        let (stream, messages) = AsyncStream.makeStream(of: RehearsalRecord.Writing.self)
        let session = try ScriptedSession(
            "\(try SwitchboardHomeFixture.programs())/switchboard", ["mcp", "--session", label, "--no-start"],
            environment: ["SWITCHBOARD_HOME": home.places.configuration], project: home.places.configuration
        ) { message in
            Self.take(message, incarnation, record, messages)
        }
        self.incarnation = incarnation
        self.session = session
        self.record = record
        self.messages = messages
        answering = Task {
            for await writing in stream {
                do { try await Self.answer(writing, session, record) } catch { return }
            }
        }
    }

    private static func take(
        _ message: JSONValue, _ incarnation: String, _ record: RehearsalRecord,
        _ messages: AsyncStream<RehearsalRecord.Writing>.Continuation
    ) {
        if message["method"]?.stringValue == "notifications/claude/channel" {
            let meta = message["params"]?["meta"]
            let content = message["params"]?["content"]?.stringValue ?? ""
            // What comes again comes as one digest: each of its messages is quoted.
            let texts =
                meta?["count"] == nil
                ? [Substring(content)]
                : content.split(separator: "\n").filter { $0.hasPrefix("> ") }.map { $0.dropFirst(2) }
            for text in texts {
                let words = text.split(separator: " ")
                guard words.count == 2, let number = Int64(words[1]), let chat = meta?["chat_id"]?.stringValue else {
                    return record.strange(message.text)
                }
                let writing = RehearsalRecord.Writing(
                    number: number, chat: chat, incarnation: incarnation,
                    redelivery: meta?["redelivery"]?.stringValue.flatMap { Int64($0) } ?? 0)
                record.wrote(writing)
                messages.yield(writing)
            }
        } else if let key = message["id"]?.stringValue, key.hasPrefix("toolu"), let result = message["result"] {
            record.told(key, result)
        }
    }

    private static func answer(
        _ writing: RehearsalRecord.Writing, _ session: ScriptedSession, _ record: RehearsalRecord
    ) async throws {
        let incarnation = writing.incarnation
        _ = try await record.state.wait(for: "an answer to a reply of \(incarnation)", within: .seconds(60)) {
            $0.open[incarnation, default: 0] < openCalls
        }
        let key = "toolu-\(incarnation)-\(writing.number)-\(writing.redelivery)"
        let words = "answer \(writing.number)" + (writing.number % 2 == 0 ? "" : " by \(incarnation)")
        // Every third one takes three messages.
        let text =
            writing.number % 3 == 0
            ? ["a", "b", "c"].map { "\(words), part \($0), which is not short at all." }.joined(separator: " ") : words
        record.asks(key, RehearsalRecord.Reply(chat: writing.chat, text: text, incarnation: incarnation))
        try session.request(
            "tools/call",
            [
                "name": "reply", "arguments": ["chat_id": .string(writing.chat), "text": .string(text)],
                "_meta": ["claudecode/toolUseId": .string(key)],
            ], id: .string(key))
    }

    /// Its last words, for the report of a failure.
    var log: String { "\(incarnation):\n\(session.errorLog.suffix(2_000))" }

    /// Returns when everything that the killed process had written was read.
    func kill() async throws {
        session.signal(SIGKILL)
        _ = try await session.ended()
        await finish()
    }

    /// Ends it as Claude Code does.
    func close() async throws {
        session.closeInput()
        _ = try await session.ended()
        await finish()
    }

    private func finish() async {
        messages.finish()
        answering.cancel()
        await answering.value
        session.closeInput()
        for line in session.strayLines { record.strange("\(incarnation) wrote \(line)") }
        record.ended(incarnation)
    }
}
