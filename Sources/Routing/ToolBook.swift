import ChannelEvents
import MessageBus
import MessageStore

/// What the core remembers for tools: questions that wait for an answer, and status lines.
struct ToolBook {
    /// Questions that are open at once, per session; past it the oldest is closed.
    static let questionLimit = 32
    /// Status lines at once; past it the one that changed least lately is left as it is.
    static let lineLimit = 256

    /// A status line of a session in a conversation. Gone with the router: the next one is a new message then.
    struct Line {
        /// The platform's id of the message; `nil` until it is sent.
        var message: String?
        /// The outbox part that is under way for it.
        var underWay: String?
        var shown: String
        /// What it should show as soon as it may change again.
        var wanted: String?
        /// Uptime.
        var nextChange: Int64
    }

    struct LineKey: Hashable {
        var session: SessionID
        var place: Place
    }

    private(set) var questions: [String: AskedQuestion] = [:]
    var lines: [LineKey: Line] = [:]
    var lineParts: UInt64 = 0

    init(_ questions: [AskedQuestion]) {
        for question in questions { self.questions[question.id] = question }
    }

    /// - Returns: the question that is closed for it, because its session has too many.
    mutating func add(_ question: AskedQuestion) -> AskedQuestion? {
        questions[question.id] = question
        let own = questions.values.filter { $0.session == question.session }
        guard own.count > Self.questionLimit, let oldest = own.min(by: { $0.created < $1.created }) else { return nil }
        return close(oldest.id)
    }

    mutating func show(_ id: String, as message: String) { questions[id]?.message = message }

    @discardableResult
    mutating func close(_ id: String) -> AskedQuestion? { questions.removeValue(forKey: id) }

    /// The open question that a message in a conversation may answer: the one it replies to, else the only one.
    func question(in place: Place, repliedTo message: String?) -> AskedQuestion? {
        guard !questions.isEmpty else { return nil }
        let here = questions.values.filter { $0.place == place && $0.message != nil }
        if let message { return here.first { $0.message == message } }
        return here.count == 1 ? here.first : nil
    }

    /// When a status line may change next, as uptime.
    var deadline: Int64? { lines.values.filter { $0.wanted != nil && $0.underWay == nil }.map(\.nextChange).min() }
}
