import ChannelEvents
import GRDB

/// A question with choices that waits for its answer.
public struct AskedQuestion: Hashable, Sendable {
    /// Sixteen hexadecimal digits; stands in what its buttons send.
    public var id: String
    public var session: SessionID
    public var place: Place
    /// The platform's id of the message that shows it; `nil` until it is sent.
    public var message: String?
    public var text: String
    public var choices: [String]
    /// Wall clock, milliseconds.
    public var created: Int64

    public init(
        id: String, session: SessionID, place: Place, message: String? = nil, text: String, choices: [String],
        created: Int64
    ) {
        self.id = id
        self.session = session
        self.place = place
        self.message = message
        self.text = text
        self.choices = choices
        self.created = created
    }
}

extension Schema {
    static func questions(_ db: Database) throws {
        try db.execute(
            sql: """
                -- Questions with choices that no answer has closed. `choices`: one a line.
                CREATE TABLE questions (
                    id TEXT PRIMARY KEY, session INTEGER NOT NULL, source INTEGER NOT NULL, chat TEXT NOT NULL,
                    thread TEXT NOT NULL, message TEXT, text TEXT NOT NULL, choices TEXT NOT NULL,
                    created INTEGER NOT NULL
                ) WITHOUT ROWID;
                """)
    }
}

extension StoreTurn {
    public func insertQuestion(_ question: AskedQuestion) throws {
        let insert = try statement(
            """
            INSERT OR IGNORE INTO questions (id, session, source, chat, thread, message, text, choices, created)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
            """)
        insert.bind(1, question.id)
        insert.bind(2, question.session)
        insert.bind(3, question.place.source)
        insert.bind(4, question.place.chat)
        insert.bind(5, question.place.thread ?? "")
        insert.bind(6, question.message)
        insert.bind(7, question.text)
        insert.bind(8, question.choices.joined(separator: "\n"))
        insert.bind(9, question.created)
        try insert.run()
    }

    public func setQuestion(_ id: String, message: String) throws {
        let update = try statement("UPDATE questions SET message = ? WHERE id = ?")
        update.bind(1, message)
        update.bind(2, id)
        try update.run()
    }

    public func removeQuestion(_ id: String) throws {
        let delete = try statement("DELETE FROM questions WHERE id = ?")
        delete.bind(1, id)
        try delete.run()
    }

    /// An event is an answer from now on: what its sender chose is its text.
    public func setAnswer(_ event: EventSequence, replyTo: String?, body: [UInt8]) throws {
        let update = try statement("UPDATE events SET kind = ?, reply_to = ?, body = ? WHERE seq = ?")
        update.bind(1, EventKind.answer.rawValue)
        update.bind(2, replyTo)
        update.bind(3, body)
        update.bind(4, event)
        try update.run()
    }

    func loadQuestions(into state: inout StoredState) throws {
        let query = try statement(
            "SELECT id, session, source, chat, thread, message, text, choices, created FROM questions ORDER BY created")
        try query.each { row in
            state.questions.append(
                AskedQuestion(
                    id: row.text(0) ?? "", session: row.integer(1),
                    place: Place(
                        source: row.integer(2), chat: row.text(3) ?? "",
                        thread: row.text(4).flatMap { $0.isEmpty ? nil : $0 }),
                    message: row.text(5), text: row.text(6) ?? "",
                    choices: (row.text(7) ?? "").split(separator: "\n").map(String.init), created: row.integer(8)))
        }
    }
}
