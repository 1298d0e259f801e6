import AccessControl
import BusProtocol
import ChannelEvents
import JSON
import MessageBus
import MessageStore

/// A topic for each session: made and bound when the session shows that it is real, closed at its end.
extension RouterCore {
    /// Looks whether a session lacks a topic, or has one that it no longer needs.
    mutating func keepTopics(_ now: Moment) {
        guard !routes.topics.chats.isEmpty || !routes.topics.open.isEmpty else { return }
        for topic in routes.topics.takeEnded(attached: { sessions[$0]?.isAttached ?? false }, now: now.uptime) {
            close(topic, now)
        }
        guard routes.topics.isStirred else { return }
        routes.topics.isStirred = false
        // One that only shook hands gets none: `claude mcp list` must not leave topics behind.
        for id in attached where sessions[id]?.isProved == true {
            for wish in routes.topics.wishes(of: id) { make(wish, now) }
        }
    }

    private mutating func make(_ wish: TopicTable.Wish, _ now: Moment) {
        guard let name = sourceNames[wish.chat.source], let source = sources[name], source.link != nil,
            let session = sessions[wish.session], outbox.count < Outbox.limit
        else { return }
        let place = Place(source: wish.chat.source, chat: wish.chat.chat, thread: nil)
        guard makesTopics(source) else {
            return routes.topics.settle(wish, .failure(TopicProblem(reason: "\(name) makes no topics")))
        }
        guard mayReach(place) else {
            return routes.topics.settle(wish, .failure(TopicProblem(reason: "nobody in that chat is let in")))
        }
        let conversation = Conversation(source: name, chat: wish.chat.chat)
        guard policy.senders(for: session.record.label, in: conversation) != .only([]) else {
            return routes.topics.settle(wish, .failure(TopicProblem(reason: "nobody there may reach this session")))
        }
        routes.topics.begin(wish)
        tell(
            place, "topic", ["name": .string(session.record.label)], key: wish.key(outbox.lastID + 1), now)
    }

    func makesTopics(_ source: Source) -> Bool {
        guard let abilities = source.hello?.abilities else { return false }
        return abilities.features.contains("topics") && abilities.verbs.contains("topic")
    }

    /// A topic was made, or cannot be.
    mutating func topicSettled(_ part: OutboxPart, _ now: Moment) {
        guard let wish = TopicTable.Wish(part) else { return }
        guard part.state == .sent, let thread = part.ids.first else {
            return routes.topics.settle(wish, .failure(TopicProblem(reason: part.reason ?? "the topic has no id")))
        }
        let place = Place(source: part.source, chat: part.chat, thread: thread)
        let topic = TopicRecord(session: wish.session, place: place)
        routes.topics.settle(wish, .success(topic))
        effects.changes.append(.route(.topic(topic, isOpen: true)))
        // Switched off while it was made.
        guard routes.topics.chats.contains(wish.chat) else { return close(topic, now) }
        routes.bindings[place] = wish.session
        effects.changes.append(.route(.binding(place, wish.session)))
        let label = sessions[wish.session]?.record.label ?? ""
        say(
            Notice(key: "topic-open:\(part.id)", text: "What you write here goes to the session \(label)."), to: place,
            now)
        if isTapWatched, let name = sourceNames[place.source] {
            let conversation = Conversation(source: name, chat: place.chat, thread: thread)
            tap("route", ["conversation": .string(conversation.description), "session": .string(label)])
        }
    }

    /// What is still written there goes to the session it was made for.
    private mutating func close(_ topic: TopicRecord, _ now: Moment) {
        routes.topics.remove(topic)
        effects.changes.append(.route(.topic(topic, isOpen: false)))
        guard let name = sourceNames[topic.place.source],
            sources[name]?.hello?.abilities.verbs.contains("close") ?? true, outbox.count < Outbox.limit
        else { return }
        tell(topic.place, "close", [:], key: "close:\(topic.session):\(outbox.lastID + 1)", now)
    }

    private mutating func tell(_ place: Place, _ verb: String, _ arguments: JSONValue, key: String, _ now: Moment) {
        let part = outbox.add(
            OutboxPart(
                key: key, session: unassignedSession, source: place.source, chat: place.chat, thread: place.thread,
                replyTo: nil, verb: verb, arguments: arguments.bytes, digest: 0, created: now.wall))
        effects.changes.append(.newPart(part))
        runLanes(now)
    }

    /// `switchboard routes topics`: on for all sessions from now on, or off with all topics that are open.
    mutating func setTopics(in chat: ChatKey, isOn: Bool, _ now: Moment) {
        guard routes.topics.chats.contains(chat) != isOn else {
            if isOn { retryTopics(in: chat) }
            return
        }
        effects.changes.append(.route(.topicChat(chat, isOn: isOn)))
        if isOn {
            routes.topics.chats.insert(chat)
            return retryTopics(in: chat)
        }
        routes.topics.chats.remove(chat)
        for topic in routes.topics.open where topic.place.source == chat.source && topic.place.chat == chat.chat {
            close(topic, now)
        }
    }

    private mutating func retryTopics(in chat: ChatKey) {
        routes.topics.forgetProblems { $0.chat == chat }
        routes.topics.isStirred = true
    }
}
