import BusProtocol
import ChannelEvents
import JSON
import MessageBus
import MessageStore

/// CALL: what Claude asks through an endpoint's tools.
extension RouterCore {
    func callQuestion(_ call: Call, from link: LinkID) -> Question? {
        guard case .endpoint(let id) = peers[link]?.kind else { return nil }
        switch call.name {
        case "reply": return part(for: call, key: call.id, session: id, now: 0).map { .reply($0) }
        case "inbox":
            let limit = Self.limit(call.arguments, standard: 20, most: 50)
            let pulled = sessions[id]?.pulled.map(\.delivery.event) ?? []
            let uncovered = sessions[id]?.uncovered.map(\.event) ?? []
            return .deliveries(id, Array((pulled + uncovered).prefix(limit)).sorted())
        default: return nil
        }
    }

    mutating func call(_ call: Call, from link: LinkID, knowing fact: Fact, _ now: Moment) {
        guard case .endpoint(let id) = peers[link]?.kind else {
            return refuse(ProtocolError(.role, "CALL is an endpoint's to say"), command: "CALL", from: link)
        }
        // A tool call comes from a model at work: no handshake that vanishes makes one.
        prove(id)
        counters.add("calls.\(Self.tools.contains(call.name) ? call.name : "unknown")")
        switch call.name {
        case "reply": reply(call, key: call.id, session: id, from: link, knowing: fact, now)
        case "inbox": inbox(call, session: id, from: link, knowing: fact, now)
        case "conversations":
            read(.conversations(id, limit: Self.limit(call.arguments, standard: 100, most: 500)), call.id, link)
        case "fetch_messages":
            guard let conversation = call.arguments["chat_id"]?.stringValue.flatMap(Conversation.init),
                let place = place(of: conversation)
            else {
                return fail(
                    call.id, .notFound, "no such chat: take chat_id from a channel message or from conversations", link)
            }
            read(
                .messages(
                    id, place, before: call.arguments["before"]?.integerValue,
                    limit: Self.limit(call.arguments, standard: 20, most: 200)), call.id, link)
        default: fail(call.id, .unknownCommand, "this router knows \(Self.tools.joined(separator: ", "))", link)
        }
    }

    private static let tools = ["reply", "inbox", "conversations", "fetch_messages"]

    static func limit(_ arguments: JSONValue, standard: Int, most: Int) -> Int {
        Int(min(max(arguments["limit"]?.integerValue ?? Int64(standard), 1), Int64(most)))
    }

    func place(of conversation: Conversation) -> Place? {
        sources[conversation.source].map { Place(source: $0.id, chat: conversation.chat, thread: conversation.thread) }
    }

    mutating func fail(_ id: String, _ code: ProtocolError.Code, _ message: String, _ link: LinkID) {
        answer(id, .failure(code: code.rawValue, message: message), to: link)
    }

    mutating func read(_ query: ReadRequest.Query, _ id: String, _ link: LinkID) {
        effects.reads.append(ReadRequest(asker: ReadRequest.Asker(link: link, id: id), query: query))
    }

    // MARK: reply, and `switchboard send`

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

    // MARK: inbox

    private mutating func inbox(
        _ call: Call, session id: SessionID, from link: LinkID, knowing fact: Fact, _ now: Moment
    ) {
        let limit = Self.limit(call.arguments, standard: 20, most: 50)
        var messages: [JSONValue] = []
        var room = StoreReader.answerBytes
        if case .deliveries(let all) = fact {
            let deliveries = all.prefix { delivery in
                defer { room -= delivery.body.count }
                return room > 0
            }
            messages = deliveries.map { message($0) }
            pull(Set(deliveries.map(\.event)), for: id)
        }
        takeUnpushed(for: id, limit, room, into: &messages)
        let wait = min(max(call.arguments["wait_seconds"]?.integerValue ?? 0, 0), 50)
        if messages.isEmpty, wait > 0 {
            // One call waits for a session; an earlier one ends here, so that none is left without an answer.
            if sessions[id]?.parkedInbox.map({ $0.id != call.id }) ?? false {
                answerParkedInbox(id, now, evenIfEmpty: true)
            }
            sessions[id]?.parkedInbox = Session.ParkedInbox(id: call.id, limit: limit, until: now.uptime + wait * 1_000)
            return
        }
        answerInbox(call.id, messages, session: id, link)
    }

    /// What was written becomes pulled: seen as soon as the endpoint says that it wrote the answer.
    private mutating func pull(_ events: Set<EventSequence>, for id: SessionID) {
        guard !events.isEmpty, let uncovered = sessions[id]?.uncovered else { return }
        sessions[id]?.uncovered = uncovered.filter { !events.contains($0.event) }
        sessions[id]?.pulled += uncovered.filter { events.contains($0.event) }.map {
            Session.Pulled(delivery: $0, wasWritten: true)
        }
    }

    /// Takes what waits out of the queues. An answer can be lost on its way, so it is offered, not yet seen.
    /// At most so many messages and about so many bytes of them.
    private mutating func takeUnpushed(for id: SessionID, _ limit: Int, _ bytes: Int, into messages: inout [JSONValue])
    {
        var room = bytes
        while messages.count < limit, room > 0, let index = sessions.index(forKey: id),
            let next = takeNext(for: id, at: index)
        {
            let delivery = next.delivery
            room -= delivery.body.count
            messages.append(message(delivery))
            let place = Place(source: delivery.source, chat: delivery.head.chat, thread: delivery.head.thread)
            let stored = StoredState.StoredDelivery(event: delivery.event, offers: delivery.offers + 1, place: place)
            note(place, usedBy: id)
            sessions[id]?.pulled.append(Session.Pulled(delivery: stored, wasWritten: false))
            effects.changes.append(
                next.wasUnassigned
                    ? .assignment(delivery.event, to: id, .offered, offers: delivery.offers + 1)
                    : .transition(id, delivery.event, .offered, offers: delivery.offers + 1, reason: nil))
            counters.add("deliveries.pulled")
        }
    }

    /// Answers an `inbox` that waits, when there is something; gives whether it was answered.
    @discardableResult
    mutating func answerParkedInbox(_ id: SessionID, _ now: Moment, evenIfEmpty: Bool = false) -> Bool {
        guard let parked = sessions[id]?.parkedInbox, let link = sessions[id]?.link else { return false }
        var messages: [JSONValue] = []
        takeUnpushed(for: id, parked.limit, StoreReader.answerBytes, into: &messages)
        guard evenIfEmpty || !messages.isEmpty else { return false }
        sessions[id]?.parkedInbox = nil
        answerInbox(parked.id, messages, session: id, link)
        return true
    }

    private mutating func answerInbox(_ call: String, _ messages: [JSONValue], session id: SessionID, _ link: LinkID) {
        let rest = (sessions[id]?.mailbox.count ?? 0) + (defaultSession == id ? unassigned.count : 0)
        let more = rest > 0 || sessions[id]?.uncovered.isEmpty == false
        answer(call, .success(["messages": .array(messages), "more": .bool(more)]), to: link)
    }

    private func message(_ delivery: WaitingDelivery) -> JSONValue {
        guard let name = sourceNames[delivery.source] else { return .null }
        var entry = HistoryEntry(
            sequence: delivery.event, source: name, head: delivery.head, rule: "", body: delivery.body
        ).toolMessage
        if delivery.offers > 0 { entry["redelivery"] = .integer(delivery.offers) }
        return .object(entry)
    }
}

extension HistoryEntry {
    /// The form that tools show: the attributes a channel message has, and its text.
    var toolMessage: JSONObject {
        var object: JSONObject = [
            "event_id": .string(key.description), "chat_id": .string(conversation.description),
            "message_id": .string(head.id), "user_id": .string(head.sender),
            "ts": .string(Timestamp.text(milliseconds: head.time)),
        ]
        if head.kind != .message { object["kind"] = .string(head.kind.rawValue) }
        if let replyTo = head.replyTo { object["reply_to"] = .string(replyTo) }
        let shown = json
        object["user"] = shown["user"]
        object["text"] = shown["text"] ?? .string("(the text is no longer kept)")
        object["sequence"] = .integer(sequence)
        return object
    }
}
