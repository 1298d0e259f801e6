import BusProtocol
import ChannelEvents
import FormattedText
import JSON
import MessageBus
import MessageStore

/// `react` and `edit_message`: what changes messages that are there already.
extension RouterCore {
    /// The conversation that a call names.
    func place(of call: Call) -> Place? {
        call.arguments["chat_id"]?.stringValue.flatMap(Conversation.init).flatMap { place(of: $0) }
    }

    mutating func failForChat(_ call: Call, _ link: LinkID) {
        fail(call.id, .notFound, "no such chat: take chat_id from a channel message or from conversations", link)
    }

    mutating func react(_ call: Call, session id: SessionID, from link: LinkID, knowing fact: Fact, _ now: Moment) {
        guard let place = place(of: call), let message = call.arguments["message_id"]?.stringValue else {
            return failForChat(call, link)
        }
        let emoji = call.arguments["emoji"] ?? ""
        enqueue(
            OutboxCommand(verb: "react", arguments: ["id": .string(message), "emoji": emoji], place: place), for: call,
            session: id, from: link, knowing: fact, now)
    }

    func editQuestion(_ call: Call, session id: SessionID) -> Question? {
        guard let place = place(of: call), let message = call.arguments["message_id"]?.stringValue,
            case .reply(let part) = enqueueQuestion(call, at: place, session: id)
        else { return nil }
        return .tools(.edit(part, message: message))
    }

    /// Only what the session itself sent: an edit of another's words would speak in its name.
    mutating func editMessage(
        _ call: Call, session id: SessionID, from link: LinkID, knowing fact: Fact, _ now: Moment
    ) {
        guard let place = place(of: call), let message = call.arguments["message_id"]?.stringValue,
            let text = call.arguments["text"]?.stringValue,
            case .tools(.edit(let known, let hasHeard, let isOwn)) = fact
        else { return failForChat(call, link) }
        guard isOwn || !hasHeard else {
            return fail(
                call.id, .notAllowed, "this session did not send that message: take an id that reply gave", link)
        }
        let shown = rendered(markdown: text, for: place.source).prefixed(by: answerPrefix(of: id, in: place))
        let messages = messages(shown, for: place.source)
        guard messages.count == 1, let whole = messages.first else {
            return fail(
                call.id, .oversize,
                messages.isEmpty
                    ? "there is nothing to read in the text"
                    : "that is too long for one message: send the rest with reply",
                link)
        }
        var arguments = whole.arguments
        arguments["id"] = .string(message)
        enqueue(
            OutboxCommand(verb: "edit", arguments: .object(arguments), place: place), for: call, session: id,
            from: link, knowing: .reply(known: known, hasHeard: hasHeard), now)
    }
}
