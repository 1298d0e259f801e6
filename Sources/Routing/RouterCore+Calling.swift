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
            let known = (sessions[id]?.pulled.map(\.delivery) ?? []) + (sessions[id]?.uncovered ?? [])
            // What came as one is given as the messages it was.
            return .deliveries(id, known.prefix(limit).flatMap { [$0.event] + $0.carried }.sorted())
        case "download_attachment": return downloadQuestion(call, session: id)
        case "react", "progress": return place(of: call).map { enqueueQuestion(call, at: $0, session: id) }
        case "ask": return place(of: call).map { enqueueQuestion(call, purpose: "ask", at: $0, session: id) }
        case "fetch_messages": return historyQuestion(call, session: id)
        case "edit_message": return editQuestion(call, session: id)
        case "notify": return notifyQuestion(call, session: id)
        default: return nil
        }
    }

    mutating func call(_ call: Call, from link: LinkID, knowing fact: Fact, _ now: Moment) {
        guard case .endpoint(let id) = peers[link]?.kind else {
            return refuse(ProtocolError(.role, "CALL is an endpoint's to say"), command: "CALL", from: link)
        }
        // A tool call comes from a model at work: no handshake that vanishes makes one.
        prove(id)
        counters.add("calls.\(Self.toolNames.contains(call.name) ? call.name : "unknown")")
        switch call.name {
        case "reply": reply(call, key: call.id, session: id, from: link, knowing: fact, now)
        case "download_attachment": downloadAttachment(call, from: link, knowing: fact, now)
        case "react": react(call, session: id, from: link, knowing: fact, now)
        case "edit_message": editMessage(call, session: id, from: link, knowing: fact, now)
        case "ask": ask(call, session: id, from: link, knowing: fact, now)
        case "progress": progress(call, session: id, from: link, knowing: fact, now)
        case "pass": pass(call, session: id, from: link, now)
        case "notify": notify(call, session: id, from: link, knowing: fact, now)
        case "inbox": inbox(call, session: id, from: link, knowing: fact, now)
        case "conversations":
            read(.conversations(id, limit: Self.limit(call.arguments, standard: 100, most: 500)), call.id, link)
        case "fetch_messages": fetchMessages(call, session: id, from: link, knowing: fact, now)
        default: fail(call.id, .unknownCommand, "this router knows \(Self.toolNames.joined(separator: ", "))", link)
        }
    }

    private static let toolNames = [
        "reply", "inbox", "conversations", "fetch_messages", "download_attachment", "react", "edit_message", "ask",
        "progress", "pass", "notify",
    ]

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
        if let attachments = RouterCore.attachmentNames(of: body) { object["attachments"] = .string(attachments) }
        let shown = json
        object["user"] = shown["user"]
        object["text"] = shown["text"] ?? .string("(the text is no longer kept)")
        object["sequence"] = .integer(sequence)
        return object
    }
}
