import MessageStore

/// Topics that sessions get in chats where `switchboard routes topics` switched them on; the store has them too.
struct TopicTable: Sendable {
    /// A session and the chat in which it is to have a topic.
    struct Wish: Hashable, Sendable {
        var chat: ChatKey
        var session: SessionID
    }

    /// A session that said goodbye keeps its topics so long, in milliseconds: `claude --resume` finds them again.
    static let farewell: Int64 = 5_000
    /// One that fell silent may be on a laptop that sleeps.
    static let silence: Int64 = 600_000

    var chats: Set<ChatKey>
    private(set) var open: [TopicRecord]
    /// The adapter is asked for these.
    private(set) var making: Set<Wish> = []
    /// Why a topic could not be made; it is not tried again before its session attaches anew.
    private(set) var problems: [Wish: String] = [:]
    /// Who said goodbye and has not come back.
    private var departed: Set<SessionID> = []
    /// When a session's topics are closed, as uptime.
    private var ends: [SessionID: Int64] = [:]
    /// Something changed that topics may follow from.
    var isStirred = true

    init(_ stored: StoredRoutes, outbox: [OutboxPart]) {
        chats = stored.topicChats
        open = stored.topics
        making = Set(outbox.compactMap(Wish.init))
    }

    func topic(of wish: Wish) -> TopicRecord? {
        open.first {
            $0.session == wish.session && $0.place.source == wish.chat.source && $0.place.chat == wish.chat.chat
        }
    }

    /// What a session at work lacks.
    func wishes(of session: SessionID) -> [Wish] {
        chats.map { Wish(chat: $0, session: session) }
            .filter { topic(of: $0) == nil && !making.contains($0) && problems[$0] == nil }
            .sorted { ($0.chat.source, $0.chat.chat) < ($1.chat.source, $1.chat.chat) }
    }

    mutating func begin(_ wish: Wish) { making.insert(wish) }

    /// What became of it: the topic, or why there is none.
    mutating func settle(_ wish: Wish, _ outcome: Result<TopicRecord, TopicProblem>) {
        making.remove(wish)
        switch outcome {
        case .success(let topic):
            problems[wish] = nil
            open.append(topic)
        case .failure(let problem): problems[wish] = problem.reason
        }
    }

    mutating func remove(_ topic: TopicRecord) { open.removeAll { $0 == topic } }

    /// It may be tried again.
    mutating func forgetProblems(where fits: (Wish) -> Bool) { problems = problems.filter { !fits($0.key) } }

    mutating func noteDeparture(of session: SessionID) { departed.insert(session) }

    /// The sessions with topics that have been away for long enough.
    mutating func takeEnded(attached: (SessionID) -> Bool, now: Int64) -> [TopicRecord] {
        for session in Set(open.map(\.session)) {
            if attached(session) {
                ends[session] = nil
                departed.remove(session)
            } else if ends[session] == nil {
                ends[session] = now + (departed.contains(session) ? Self.farewell : Self.silence)
            }
        }
        let over = Set(ends.filter { $0.value <= now }.map(\.key))
        guard !over.isEmpty else { return [] }
        for session in over {
            ends[session] = nil
            departed.remove(session)
        }
        return open.filter { over.contains($0.session) }
    }
}

struct TopicProblem: Error {
    var reason: String
}

extension TopicTable.Wish {
    /// The key of the part that asks for it; the number makes it unique.
    func key(_ number: Int64) -> String { "topic:\(session):\(number)" }

    /// Reads an outbox part back; `nil` when it asks for no topic.
    init?(_ part: OutboxPart) {
        let words = part.key.split(separator: ":")
        guard part.verb == "topic", words.count == 3, words[0] == "topic", let session = SessionID(words[1]) else {
            return nil
        }
        self.init(chat: ChatKey(source: part.source, chat: part.chat), session: session)
    }
}
