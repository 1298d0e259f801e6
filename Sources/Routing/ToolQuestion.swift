public import MessageStore

/// What must be known before a tool can act.
public enum ToolQuestion: Sendable {
    /// Is the edit known, may the session speak there, and did it send the message?
    case edit(OutboxPart, message: String)
}

public enum ToolFact: Sendable {
    case edit(known: [OutboxPart], hasHeard: Bool, isOwn: Bool)
}

/// A change of what tools remember.
public enum ToolChange: Sendable {
    case asked(AskedQuestion)
    /// The platform has shown it, under this id.
    case shown(String, message: String)
    case closed(String)
    /// An event turned out to be an answer: it is kept as that.
    case answer(EventSequence, replyTo: String?, body: [UInt8])
}

extension StoreTurn {
    func apply(_ change: ToolChange) throws {
        switch change {
        case .asked(let question): try insertQuestion(question)
        case .shown(let id, let message): try setQuestion(id, message: message)
        case .closed(let id): try removeQuestion(id)
        case .answer(let event, let replyTo, let body): try setAnswer(event, replyTo: replyTo, body: body)
        }
    }
}
