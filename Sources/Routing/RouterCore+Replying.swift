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
        if let known {
            // The same call, or the same words again: the one that was stored answers for both.
            guard let open = outbox.parts[known.id] else { return answer(call.id, Self.outcome(of: known), to: link) }
            if open.state == .queued, open.notBefore > now.wall {
                return answer(call.id, Self.outcome(of: open), to: link)
            }
            if let overdue = outbox.wait(caller, for: known.id) {
                answer(overdue.id, Self.outcome(of: open), to: overdue.link)
            }
            return
        }
        guard hasHeard || id == unassignedSession else {
            return fail(
                call.id, .notAllowed,
                "this session was never delivered a message of that chat: reply only to a chat_id from a channel message",
                link)
        }
        guard id == unassignedSession || mayReach(asked.place) else {
            return fail(
                call.id, .notAllowed,
                "nobody in that chat is let in any more: the owner sees who is with `switchboard access list`", link)
        }
        if let abilities = sources[name]?.hello?.abilities, sources[name]?.link != nil {
            guard abilities.verbs.contains("send") else {
                return fail(call.id, .notAllowed, "\(name) cannot send messages", link)
            }
            let prefix = answerPrefix(of: id, in: asked.place)
            let length = Int64((call.arguments["text"]?.stringValue?.utf16.count ?? 0) + prefix.utf16.count)
            if let limit = abilities.textLimit, length > limit {
                return fail(
                    call.id, .oversize,
                    "\(name) takes \(limit) characters in one message, this has \(length): shorten it", link)
            }
        }
        guard outbox.count < Outbox.limit else {
            return fail(
                call.id, .flood, "\(Outbox.limit) messages wait to be sent already: see 'switchboard status'", link)
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
