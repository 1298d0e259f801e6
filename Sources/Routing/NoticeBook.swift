import MessageStore

/// What senders were told about their waiting, and what they are to be told when it goes on. What was said in a chat is
/// in the store as well: it is said once, whatever restarts.
struct NoticeBook: Sendable {
    /// The line that says in a conversation what the session is busy with.
    struct Line: Sendable {
        /// The platform's id of our message; `nil` until it was sent.
        var message: String?
        /// What it says, or will when it was sent.
        var text = ""
        /// When something is to be done about it, as uptime.
        var due: Int64
        var since: Int64
        /// The session took the message up: the line says so once more and ends.
        var isOver = false
        /// It is being sent.
        var isOnItsWay = false
    }

    struct Typing: Sendable {
        var session: SessionID
        /// Uptime.
        var renewal: Int64
    }

    struct DueMark: Sendable {
        var item: StoredDelivery
        var session: SessionID
        var mark: DeliveryMark
    }

    /// Marks of this turn of the router.
    var marks: [DueMark] = []
    /// Conversations that were told that nobody listens; until somebody does.
    var given: Set<WaitingPlace> = []
    /// Conversations that are to be told so, and when (uptime).
    var due: [WaitingPlace: Int64] = [:]
    var lines: [WaitingPlace: Line] = [:]
    /// Where the sign shows that somebody types.
    var typing: [Place: Typing] = [:]
    /// Numbers what is said, so that no two keys are the same.
    var said: UInt64 = 0

    /// More conversations than this are not told at once: the oldest wait without a word.
    static let limit = 4_096

    init(_ stored: StoredNotices) {
        given = stored.given
        for (waiting, message) in stored.lines {
            // What became of the session meanwhile shows in its first moments.
            lines[waiting] = Line(message: message, due: .max, since: 0)
        }
    }

    var deadline: Int64? {
        [due.values.min(), lines.values.map(\.due).min(), typing.values.map(\.renewal).min()].lazy.compactMap(\.self)
            .min()
    }

    var isEmpty: Bool { due.isEmpty && lines.isEmpty && typing.isEmpty }
}
