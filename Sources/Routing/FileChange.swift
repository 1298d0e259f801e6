public import ChannelEvents
public import MessageStore

/// A change of the files' books.
public enum FileChange: Sendable {
    case stored(StoredFile)
    case attachment(EventSequence, position: Int, StoredFile, isImage: Bool)
    case part(Int64, hash: String)
    /// An event waits for its files, or does not any more.
    case awaiting(EventSequence, Bool)
}

/// What must be known of a file.
public enum FileQuestion: Sendable {
    /// An event with its attachments, when this session was delivered it.
    case attachments(EventKey, SessionID)
    /// A file that a session may read.
    case readable(hash: String, SessionID)
    /// A file that a source was told to send.
    case sendable(hash: String, SourceID)
}

public enum FileFact: Sendable {
    case attachments(AttachmentRecord?)
    case file(StoredFile?)
}

extension StoreTurn {
    func answer(_ question: FileQuestion) throws -> FileFact {
        switch question {
        case .attachments(let key, let session): return .attachments(try attachments(of: key, session: session))
        case .readable(let hash, let session): return .file(try file(hash, readableBy: session))
        case .sendable(let hash, let source): return .file(try file(hash, sentBy: source))
        }
    }

    func apply(_ change: FileChange, now: Int64) throws {
        switch change {
        case .stored(let file): try insertFile(file, now: now)
        case .attachment(let event, let position, let file, let isImage):
            try insertFile(file, now: now)
            try setEventFile(event: event, position: position, hash: file.hash, isImage: isImage)
        case .part(let part, let hash): try setPartFile(part: part, hash: hash)
        case .awaiting(let event, let isAwaiting): try setAwaitingFiles(event, isAwaiting)
        }
    }
}
