import ChannelEvents
import JSON
import MessageStore
import OperatingHome
import SwitchboardTesting
import Testing

/// Holds what the sessions saw and were told against what the platform and the store have.
struct RehearsalVerdict {
    let writings: [RehearsalRecord.Writing]
    let replies: [String: RehearsalRecord.Reply]
    let posted: Int64
    /// Lines of the platform's `executed`, in order.
    let executed: [(key: String, text: String)]
    /// Lines of its `journal`.
    let journal: [[Substring]]
    let parts: [String: OutboxPart]
    let cursor: Int64?

    init(_ stage: RehearsalStage) throws {
        let state = stage.record.state.value
        writings = state.writings
        replies = state.replies
        posted = stage.posted
        executed = try Self.lines(stage.platform + "/executed").map { line in
            let fields = line.split(separator: "\t")
            // A later try of the same reply has `#2` behind its key.
            return (String(fields.first?.prefix { $0 != "#" } ?? ""), String(fields.last ?? ""))
        }
        journal = try Self.lines(stage.platform + "/journal").map { $0.split(separator: " ") }
        let store = try MessageStore(path: stage.home.places.database)
        var parts: [String: OutboxPart] = [:]
        for chat in Set(writings.map(\.chat)) {
            let place = Place(source: 1, chat: String(chat.drop { $0 != ":" }.dropFirst()), thread: nil)
            for part in try store.read({ try $0.replies(place: place, limit: 1_000_000) }) { parts[part.key] = part }
        }
        self.parts = parts
        let bytes = try store.turn { try $0.load().sources.first?.cursor }
        cursor = try bytes.flatMap { try JSONValue(parsing: $0).integerValue }
        #expect(state.strange.isEmpty, "\(state.strange.prefix(3))")
    }

    private static func lines(_ path: String) throws -> [String] {
        let bytes = try SmallFile.read(path, limit: 256 << 20) ?? []
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    // MARK: Events

    /// Every message reached a session; the same one twice only with a mark; the first time in the order of its
    /// conversation.
    func checkEvents() {
        var times: [Int64: Int] = [:]
        var newest: [String: Int64] = [:]
        for writing in writings {
            times[writing.number, default: 0] += 1
            if times[writing.number] ?? 0 > 1 {
                #expect(writing.redelivery > 0, "\(writing) came before and is not marked")
            } else {
                #expect(writing.number > newest[writing.chat] ?? 0, "\(writing) after \(newest[writing.chat] ?? 0)")
                newest[writing.chat] = writing.number
            }
        }
        let lost = (1...posted).filter { times[$0] == nil }
        #expect(lost.isEmpty, "\(lost.count) lost, such as \(lost.prefix(5))")
        #expect(times.keys.allSatisfy { (1...posted).contains($0) })
    }

    /// The adapter was never given a cursor behind what it was told is committed, nor past what there is.
    func checkCursors() {
        var committed: Int64 = 0
        for line in journal {
            guard line.count >= 2, let number = Int64(line[1]) else { continue }
            if line[0] == "begin" { #expect(number >= committed, "a cursor went back from \(committed) to \(number)") }
            committed = max(committed, number)
        }
        #expect(committed == posted)
        #expect(cursor == posted)
    }

    // MARK: Replies

    func checkReplies() {
        var keys: Set<String> = []
        for (key, _) in executed { #expect(keys.insert(key).inserted, "\(key) was sent twice") }
        // What names no incarnation is worded the same by all: the same answer.
        let common = executed.map(\.text).filter { !$0.contains("by") }
        var texts: Set<String> = []
        for text in common { #expect(texts.insert(text).inserted, "'\(text)' was sent twice") }

        for key in keys {
            let state = parts[key]?.state
            #expect(state == .sent || state == .unknown, "\(key) was sent and stands as \(state?.word ?? "nothing")")
        }
        for part in parts.values {
            switch part.state {
            case .sent: #expect(keys.contains(part.key), "\(part.key) stands as sent and was not")
            case .unknown: break
            case .queued, .sending, .rejected, .dropped: Issue.record("\(part.key) is left as \(part.state.word)")
            }
        }
        let first = Dictionary(
            parts.values.filter { $0.ordinal == 1 }.map { ($0.text, $0) }, uniquingKeysWith: { first, _ in first })
        let whole = Dictionary(grouping: parts.values, by: \.reply)
        for (key, reply) in replies {
            // The same words again are the reply that was first asked for.
            check(key, told: reply.told, (parts[key] ?? first[reply.text]).flatMap { whole[$0.reply] } ?? [])
        }
        for parts in whole.values {
            #expect(parts.count == Int(parts[0].total), "a reply has \(parts.count) of \(parts[0].total) parts")
        }
        checkOrder()
    }

    /// Parts of one reply were sent one after the other.
    private func checkOrder() {
        var newest: [Int64: Int64] = [:]
        for (key, _) in executed {
            guard let part = parts[key] else { continue }
            #expect(part.ordinal > newest[part.reply] ?? 0, "\(key) came after part \(newest[part.reply] ?? 0)")
            newest[part.reply] = part.ordinal
        }
    }

    private func check(_ key: String, told: RehearsalRecord.Told?, _ parts: [OutboxPart]) {
        switch told {
        case .status("sent"):
            #expect(
                !parts.isEmpty && parts.allSatisfy { $0.state == .sent }, "\(key): told sent, is \(parts.map(\.state))")
        case .status("unknown"):
            #expect(parts.contains { $0.state == .unknown }, "\(key): told unknown, is \(parts.map(\.state))")
        // It was taken: it ends as sent or unknown, which is checked of every part.
        case .status("queued"): #expect(!parts.isEmpty, "\(key): told queued, and is not there")
        // Its session was killed before it heard.
        case .nothing: break
        case .status, .failure, nil: Issue.record("\(key): told \(String(describing: told))")
        }
    }

    var summary: String {
        let told = Dictionary(grouping: replies.values, by: \.told).mapValues(\.count)
        let states = Dictionary(grouping: parts.values, by: \.state.word).mapValues(\.count)
        let redeliveries = writings.count { $0.redelivery > 0 }
        let words = ["sent", "queued", "unknown"].map { "\($0) \(told[.status($0)] ?? 0)" }.joined(separator: ", ")
        return "\(posted) events, \(writings.count) written, \(redeliveries) of them redeliveries; "
            + "\(replies.count) replies (told \(words), nothing \(told[.nothing] ?? 0)), "
            + "\(executed.count) sent by the platform, in the store "
            + states.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
    }
}

extension OutboxPart {
    /// What the whole reply was asked to say.
    fileprivate var text: String {
        do { return try JSONValue(parsing: asked ?? arguments)["text"]?.stringValue ?? "" } catch { return "" }
    }
}
