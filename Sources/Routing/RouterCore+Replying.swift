import BusProtocol
import ChannelEvents
import FormattedText
import JSON
import MessageBus
import MessageStore

/// `reply`, and an operator's `send`: from a call to parts in the outbox.
extension RouterCore {
    /// What a call asks for, whole; `nil` when its arguments name no conversation of a known source.
    func part(for call: Call, key: String, session: SessionID, now: Int64) -> OutboxPart? {
        let named = call.arguments["chat_id"] ?? call.arguments["conversation"]
        guard let conversation = named?.stringValue.flatMap(Conversation.init), let place = place(of: conversation),
            let text = call.arguments["text"]?.stringValue
        else { return nil }
        let replyTo = call.arguments["reply_to"]?.stringValue
        var words: JSONObject = ["text": .string(text)]
        // The same words with another file are another reply.
        if let files = call.arguments["files"]?.arrayValue, !files.isEmpty {
            words["files"] = .array(files.map { ["name": $0["name"] ?? .null, "size": $0["size"] ?? .null] })
        }
        let asked = JSONValue.object(words).bytes
        return OutboxPart(
            key: key, session: session, source: place.source, chat: place.chat, thread: place.thread, replyTo: replyTo,
            verb: "send", arguments: asked, digest: Self.digest(of: asked), created: now, asked: asked)
    }

    /// FNV-1a; finds candidates, equality decides.
    private static func digest(of bytes: [UInt8]) -> Int64 {
        Int64(bitPattern: bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 })
    }

    mutating func reply(
        _ call: Call, key: String, session id: SessionID, from link: LinkID, knowing fact: Fact, _ now: Moment
    ) {
        guard let asked = part(for: call, key: key, session: id, now: now.wall), let name = sourceNames[asked.source],
            let text = call.arguments["text"]?.stringValue
        else {
            return fail(call.id, .notFound, "no such chat: take chat_id from the channel message you answer", link)
        }
        guard case .reply(let known, let hasHeard) = fact else { return }
        var caller = Outbox.Caller(link: link, id: call.id, until: now.uptime + Self.confirmationWait)
        guard known.isEmpty else { return wait(caller, for: known, now) }
        if let obstacle = obstacle(to: "send", at: asked.place, session: id, hasHeard: hasHeard) {
            return fail(call.id, obstacle.code, obstacle.message, link)
        }
        switch attaching(call, to: asked.source, from: link, now) {
        case .none: break
        case .later: return
        case .withoutThem(let remark): caller.remark = remark
        }
        let files = fileArguments(of: call.id)
        // A person's own words go out as they are.
        let shown =
            id == unassignedSession ? FormattedText(text: text) : rendered(markdown: text, for: asked.source)
        var messages = messages(shown.prefixed(by: answerPrefix(of: id, in: asked.place)), for: asked.source)
        if messages.isEmpty || (text.isEmpty && files != nil) {
            messages = files == nil ? [] : [FormattedText(text: "")]
        }
        guard !messages.isEmpty else { return fail(call.id, .malformed, "there is nothing to read in the text", link) }
        if files == nil, id != unassignedSession,
            awaitsDocument(of: call, text, parts: messages.count, to: asked.source, from: link)
        {
            return
        }
        if files != nil, self.files.uploads[call.id]?.isDocument == true {
            messages = [messages[0], FormattedText(text: "The whole answer:")]
        }
        guard messages.count <= Self.messageLimit else {
            forgetUpload(call.id)
            return fail(
                call.id, .oversize,
                "on \(name) this would be \(messages.count) messages; \(Self.messageLimit) are the most: shorten it",
                link)
        }
        noteSpeaker(id, in: asked.place)
        let parts = outbox.add(Self.parts(of: asked, messages, files))
        effects.changes += parts.map(StoreChange.newPart)
        if let last = parts.last { keepFiles(files, of: call.id, for: last.id) }
        endLine(of: id, in: asked.place)
        _ = outbox.wait(caller, for: parts[0].reply)
        cover(id, state: .answered) { $0.place == asked.place }
        counters.add("outbox.accepted")
        if isTapWatched {
            tap(
                "outbox",
                [
                    "key": .string(asked.key), "state": "queued", "source": .string(name.text),
                    "parts": .integer(Int64(parts.count)),
                ])
        }
        showReply(text, of: id, to: asked, now)
        runLanes(now)
    }

    /// Only the first part answers a message and has what was asked; only the last one has the files and makes a sound.
    static func parts(of asked: OutboxPart, _ messages: [FormattedText], _ files: JSONValue?) -> [OutboxPart] {
        messages.enumerated().map { index, message in
            var part = asked
            var arguments = message.arguments
            if index < messages.count - 1 { arguments["silent"] = true } else { arguments["files"] = files }
            if index > 0 {
                part.key = OutboxPart.key(asked.key, part: index + 1)
                part.replyTo = nil
                part.digest = 0
                part.asked = nil
            }
            part.arguments = JSONValue.object(arguments).bytes
            part.ordinal = Int64(index + 1)
            part.total = Int64(messages.count)
            return part
        }
    }

    /// A caller hears within this time how things stand, in milliseconds.
    static let confirmationWait: Int64 = 10_000
    /// Messages that one reply may become.
    static let messageLimit = 100
}
