import BusProtocol
import ChannelEvents
import JSON
import MessageBus
import MessageStore

/// `reply`, and an operator's `send`: from a call to a part in the outbox.
extension RouterCore {
    /// The part that a call asks for; `nil` when its arguments name no conversation of a known source.
    func part(for call: Call, key: String, session: SessionID, now: Int64) -> OutboxPart? {
        let named = call.arguments["chat_id"] ?? call.arguments["conversation"]
        guard let conversation = named?.stringValue.flatMap(Conversation.init), let place = place(of: conversation),
            let text = call.arguments["text"]?.stringValue
        else { return nil }
        let replyTo = call.arguments["reply_to"]?.stringValue
        let arguments = JSONValue.object(["text": .string(text)]).bytes
        return OutboxPart(
            key: key, session: session, source: place.source, chat: place.chat, thread: place.thread, replyTo: replyTo,
            verb: "send", arguments: arguments, digest: Self.digest(of: arguments), created: now)
    }

    /// FNV-1a; finds candidates, equality decides.
    private static func digest(of bytes: [UInt8]) -> Int64 {
        Int64(bitPattern: bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 })
    }

    mutating func reply(
        _ call: Call, key: String, session id: SessionID, from link: LinkID, knowing fact: Fact, _ now: Moment
    ) {
        guard let asked = part(for: call, key: key, session: id, now: now.wall), let name = sourceNames[asked.source]
        else {
            return fail(call.id, .notFound, "no such chat: take chat_id from the channel message you answer", link)
        }
        guard case .reply(let known, let hasHeard) = fact else { return }
        let caller = Outbox.Caller(link: link, id: call.id, until: now.uptime + Self.confirmationWait)
        if let known { return wait(caller, for: known, now) }
        if let obstacle = obstacle(to: "send", at: asked.place, session: id, hasHeard: hasHeard) {
            return fail(call.id, obstacle.code, obstacle.message, link)
        }
        if let abilities = sources[name]?.hello?.abilities, sources[name]?.link != nil {
            let prefix = answerPrefix(of: id, in: asked.place)
            let length = Int64((call.arguments["text"]?.stringValue?.utf16.count ?? 0) + prefix.utf16.count)
            if let limit = abilities.textLimit, length > limit {
                return fail(
                    call.id, .oversize,
                    "\(name) takes \(limit) characters in one message, this has \(length): shorten it", link)
            }
        }
        noteSpeaker(id, in: asked.place)
        let part = outbox.add(asked)
        effects.changes.append(.newPart(part))
        _ = outbox.wait(caller, for: part.id)
        cover(id, state: .answered) { $0.place == part.place }
        counters.add("outbox.accepted")
        if isTapWatched { tap("outbox", ["key": .string(part.key), "state": "queued", "source": .string(name.text)]) }
        runLanes(now)
    }

    /// A caller hears within this time how things stand, in milliseconds.
    static let confirmationWait: Int64 = 10_000
}
