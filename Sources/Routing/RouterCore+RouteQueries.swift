import AccessControl
import BusProtocol
import ChannelEvents
import JSON
import MessageBus
import MessageStore

/// `switchboard routes`: what an operator asks and changes about which session gets what.
extension RouterCore {
    static let routeQueries: Set<String> = ["routes.list", "routes.bind", "routes.unbind", "routes.topics"]

    mutating func routeQuery(_ query: Call, from link: LinkID, _ now: Moment) {
        if query.name == "routes.list" {
            return answer(
                query.id, .success(routeList(limit: Self.limit(query.arguments, standard: 200, most: 5_000))), to: link)
        }
        guard let conversation = query.arguments["conversation"]?.stringValue.flatMap(Conversation.init) else {
            return fail(query.id, .notFound, "a conversation is source:chat or source:chat/thread", link)
        }
        guard let place = place(of: conversation) else {
            return fail(query.id, .notFound, "there was never an adapter named \(conversation.source)", link)
        }
        switch query.name {
        case "routes.bind":
            guard let name = query.arguments["session"]?.stringValue, let id = session(called: name),
                let session = sessions[id]
            else {
                return fail(
                    query.id, .notFound,
                    "there is no such session: `switchboard sessions` shows which there are; for one that was never here "
                        + "write a route into switchboard.yaml", link)
            }
            bind(place, to: id)
            answer(
                query.id,
                .success([
                    "conversation": .string(conversation.description), "session": .string(session.record.label),
                    "state": .string(session.word),
                ]), to: link)
        case "routes.unbind":
            let previous = routes.bindings[place].flatMap { sessions[$0]?.record.label }
            unbind(place)
            var result: JSONObject = ["conversation": .string(conversation.description)]
            if let previous { result["session"] = .string(previous) }
            answer(query.id, .success(.object(result)), to: link)
        default: switchTopics(query, conversation, link, now)
        }
    }

    private mutating func switchTopics(_ query: Call, _ conversation: Conversation, _ link: LinkID, _ now: Moment) {
        guard conversation.thread == nil, let source = sources[conversation.source] else {
            return fail(query.id, .notFound, "topics are made in a whole chat: name it source:chat", link)
        }
        let isOn = !(query.arguments["off"]?.boolValue ?? false)
        let chat = ChatKey(source: source.id, chat: conversation.chat)
        if isOn {
            guard source.link != nil else {
                return fail(query.id, .unavailable, "\(source.name) is away: start it first", link)
            }
            guard makesTopics(source) else {
                return fail(query.id, .notAllowed, "\(source.name) makes no topics or threads", link)
            }
            guard mayReach(Place(source: source.id, chat: conversation.chat, thread: nil)) else {
                return fail(
                    query.id, .notAllowed,
                    "nobody in that chat is let in: switchboard access group add \(conversation)", link)
            }
        }
        setTopics(in: chat, isOn: isOn, now)
        let waiting = attached.count { sessions[$0]?.isProved ?? false }
        answer(
            query.id,
            .success([
                "conversation": .string(conversation.description), "topics": .bool(isOn),
                "sessions": .integer(Int64(isOn ? waiting : 0)),
            ]), to: link)
    }

    // MARK: Showing

    private func routeList(limit: Int) -> JSONValue {
        func label(_ id: SessionID?) -> JSONValue { .string(id.flatMap { sessions[$0]?.record.label } ?? "") }
        func rows(_ places: [Place: SessionID]) -> [JSONValue] {
            places.compactMap { place, id in text(of: place).map { ($0, id) } }.sorted { $0.0 < $1.0 }.prefix(limit)
                .map { ["conversation": .string($0.0), "session": label($0.1)] }
        }
        let last = lastSession.filter { routes.bindings[$0.key] == nil }
        let topics = routes.topics.open.compactMap { topic in text(of: topic.place).map { ($0, topic.session) } }
            .sorted { $0.0 < $1.0 }.map { ["conversation": .string($0.0), "session": label($0.1)] as JSONValue }
        let problems = routes.topics.problems.compactMap { wish, reason -> (String, JSONValue)? in
            let place = Place(source: wish.chat.source, chat: wish.chat.chat, thread: nil)
            guard let chat = text(of: place) else { return nil }
            return (chat, ["conversation": .string(chat), "session": label(wish.session), "reason": .string(reason)])
        }
        return [
            "bindings": .array(rows(routes.bindings)),
            "bindings_count": .integer(Int64(routes.bindings.count)),
            "rules": .array(settings.routes.map(\.json)),
            "last_used": .array(rows(last)), "last_used_count": .integer(Int64(last.count)),
            "asked": .array(routes.asked.compactMap { text(of: $0) }.sorted().prefix(limit).map(JSONValue.string)),
            "topic_chats": .array(
                routes.topics.chats.compactMap { text(of: Place(source: $0.source, chat: $0.chat, thread: nil)) }
                    .sorted().map(JSONValue.string)),
            "topics": .array(topics), "topic_problems": .array(problems.sorted { $0.0 < $1.0 }.map(\.1)),
        ]
    }

    private func text(of place: Place) -> String? {
        sourceNames[place.source].map {
            Conversation(source: $0, chat: place.chat, thread: place.thread).description
        }
    }
}

extension RouteRule {
    /// In the words of the configuration.
    fileprivate var json: JSONValue {
        var match: JSONObject = [:]
        match["conversation"] = conversation.map { .string($0.description) }
        match["source"] = source.map { .string($0.text) }
        match["thread"] = thread.map(JSONValue.string)
        match["sender"] = sender.map(JSONValue.string)
        match["kind"] = kind.map { .string($0.rawValue) }
        match["text"] = text.map { .string($0.text) }
        var rule: JSONObject = ["match": .object(match)]
        switch target {
        case .session(let label): rule["to"] = .string(label)
        case .firstIdle(let labels): rule["first_idle"] = .array(labels.map(JSONValue.string))
        case .all(let labels): rule["all"] = .array(labels.map(JSONValue.string))
        case .hold: rule["hold"] = true
        case nil: break
        }
        if isUrgent { rule["urgent"] = true }
        return .object(rule)
    }
}
