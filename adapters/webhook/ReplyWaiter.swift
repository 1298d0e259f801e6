import Synchronization

/// One request that is kept open for the answer to what it said.
final class ReplyWaiter: Sendable {
    struct Reply: Sendable {
        var text: String
        /// Told once whether the answer was written.
        var done: @Sendable (Bool) -> Void
    }

    private enum State {
        case open
        case reading(CheckedContinuation<Reply?, Never>)
        case answered(Reply)
        case closed
    }

    /// The id of the event whose answer this is for.
    let event: String
    private let state = Mutex(State.open)

    init(event: String) { self.event = event }

    /// - Returns: whether it takes the answer; then `done` will be called.
    func offer(_ reply: Reply) -> Bool {
        let (isTaken, reader): (Bool, CheckedContinuation<Reply?, Never>?) = state.withLock { state in
            switch state {
            case .open:
                state = .answered(reply)
                return (true, nil)
            case .reading(let reader):
                state = .closed
                return (true, reader)
            case .answered, .closed: return (false, nil)
            }
        }
        reader?.resume(returning: reply)
        return isTaken
    }

    /// The answer; `nil` once nobody waits any more. One task asks, once.
    func reply() async -> Reply? {
        await withCheckedContinuation { continuation in
            let ready: Reply?? = state.withLock { state in
                switch state {
                case .open, .reading:
                    state = .reading(continuation)
                    return .none
                case .answered(let reply):
                    state = .closed
                    return .some(reply)
                case .closed: return .some(nil)
                }
            }
            if let ready { continuation.resume(returning: ready) }
        }
    }

    /// Ends the waiting; an answer that came and was not taken counts as not written.
    func close() {
        let (reader, unread): (CheckedContinuation<Reply?, Never>?, Reply?) = state.withLock { state in
            defer { state = .closed }
            switch state {
            case .reading(let reader): return (reader, nil)
            case .answered(let reply): return (nil, reply)
            case .open, .closed: return (nil, nil)
            }
        }
        reader?.resume(returning: nil)
        unread?.done(false)
    }
}
