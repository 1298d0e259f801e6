/// A topic that belongs to a session.
public struct TopicRecord: Hashable, Sendable {
    public var session: SessionID
    /// The conversation, with its thread.
    public var place: Place

    public init(session: SessionID, place: Place) {
        self.session = session
        self.place = place
    }
}

extension StoreTurn {
    func loadTopics(into routes: inout StoredRoutes) throws {
        try statement("SELECT source, chat FROM topic_chats").each { row in
            routes.topicChats.insert(ChatKey(source: row.integer(0), chat: row.text(1) ?? ""))
        }
        try statement("SELECT source, chat, session, thread FROM topics").each { row in
            let place = Place(source: row.integer(0), chat: row.text(1) ?? "", thread: row.text(3))
            routes.topics.append(TopicRecord(session: row.integer(2), place: place))
        }
    }

    /// Whether each session that attaches gets a topic there.
    public func setTopicChat(_ chat: ChatKey, _ isOn: Bool) throws {
        let change = try statement(
            isOn
                ? "INSERT OR IGNORE INTO topic_chats (source, chat) VALUES (?, ?)"
                : "DELETE FROM topic_chats WHERE source = ? AND chat = ?")
        change.bind(1, chat.source)
        change.bind(2, chat.chat)
        try change.run()
    }

    public func setTopic(_ topic: TopicRecord, isOpen: Bool) throws {
        let change = try statement(
            isOpen
                ? "INSERT OR REPLACE INTO topics (source, chat, session, thread) VALUES (?, ?, ?, ?)"
                : "DELETE FROM topics WHERE source = ? AND chat = ? AND session = ? AND thread = ?")
        change.bind(1, topic.place.source)
        change.bind(2, topic.place.chat)
        change.bind(3, topic.session)
        change.bind(4, topic.place.thread ?? "")
        try change.run()
    }
}
