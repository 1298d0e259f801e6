import AccessControl
import BusProtocol
import ChannelEvents
import JSON
import MessageBus
import MessageStore

/// `switchboard explain`: what would become of a message, and what did.
extension RouterCore {
    /// What would happen to a message: the very function that decides, with the state of this moment.
    mutating func explain(_ query: Call, _ link: LinkID, _ now: Moment) {
        let arguments = query.arguments
        if let text = arguments["event"]?.stringValue {
            guard let event = EventKey(text) else {
                return fail(query.id, .notFound, "\(text) is no event: `switchboard history` shows their ids", link)
            }
            return read(.explanation(event), query.id, link)
        }
        guard let name = arguments["source"]?.stringValue.flatMap(SourceName.init), let source = sources[name] else {
            return fail(
                query.id, .notFound, "there is no such source: `switchboard status` names those there are", link)
        }
        guard let sender = arguments["sender"]?.stringValue, !sender.isEmpty else {
            return fail(query.id, .notFound, "explain needs the sender's permanent id", link)
        }
        let conversation = arguments["conversation"]?.stringValue.flatMap { Conversation($0) }
        if let conversation, conversation.source != name {
            return fail(query.id, .notFound, "\(conversation) is no conversation of \(name)", link)
        }
        var flags: EventFlags = []
        if arguments["direct"]?.boolValue ?? (conversation == nil) { flags.insert(.direct) }
        if arguments["mention"]?.boolValue ?? false { flags.insert(.mention) }
        if arguments["bot"]?.boolValue ?? false { flags.insert(.bot) }
        let head = EventHead(
            id: "explain",
            chat: conversation?.chat ?? directPlace(of: Address(source: name, id: sender))?.chat ?? sender,
            thread: conversation?.thread, sender: sender,
            flags: flags, roles: arguments["roles"]?.arrayValue?.compactMap(\.stringValue) ?? [], time: now.wall)
        let decision = decide(
            head, from: name, source.id, text: { arguments["text"]?.stringValue ?? "" }, with: access, now)
        var object: JSONObject = [
            "allowed": .bool(decision.isAllowed), "rule": .string(decision.rule.rawValue),
            "why": .string(decision.rule.sentence),
            "approver": .bool(policy.isApprover(Address(source: name, id: sender))),
        ]
        if decision.isAllowed {
            let body = EventBody(text: arguments["text"]?.stringValue ?? "").json
            let arrival = Arrival(
                delivery: WaitingDelivery(event: 0, source: source.id, head: head, body: body, offers: 0), source: name)
            object["reach"] = reach(of: arrival).map { .array($0.sorted().map(JSONValue.string)) }
            for member in destination(of: arrival) { object[member.key] = member.value }
        }
        answer(query.id, .success(.object(object)), to: link)
    }

    /// Where a message would go, by the very function that chooses, on a copy: to ask is not to write.
    private func destination(of arrival: Arrival) -> JSONObject {
        var copy = self
        let choice = copy.choose(arrival, answering: nil)
        func label(_ id: SessionID) -> JSONValue { .string(copy.sessions[id]?.record.label ?? "") }
        switch choice {
        case .session(let id): return ["choice": "session", "session": label(id)]
        case .all(let ids): return ["choice": "all", "sessions": .array(ids.map(label))]
        case .ask: return ["choice": "ask"]
        case .hold: return ["choice": "hold"]
        case .nobody: return ["choice": "nobody"]
        }
    }
}
