import Synchronization

/// One open stream: the queue `replies` between those who speak and the task that writes.
///
/// Holds at most ``limit`` frames and ``byteLimit`` bytes. A reader that does not keep up is closed; it comes back
/// and names the last reply it has.
final class ReplyListener: Sendable {
    static let limit = 256
    static let byteLimit = 8 << 20

    struct Item: Sendable {
        var frame: [UInt8]
        /// Told once whether the frame was written.
        var done: @Sendable (Bool) -> Void
    }

    private struct State {
        var items: [Item] = []
        var bytes = 0
        var reader: CheckedContinuation<Item?, Never>?
        var isClosed = false
    }

    let number: UInt64
    private let state = Mutex(State())

    init(number: UInt64) { self.number = number }

    func offer(_ frame: [UInt8], done: @escaping @Sendable (Bool) -> Void) {
        enum Step { case hand(CheckedContinuation<Item?, Never>), queued, refused, overflow }
        let item = Item(frame: frame, done: done)
        let step: Step = state.withLock { state in
            if state.isClosed { return .refused }
            if let reader = state.reader {
                state.reader = nil
                return .hand(reader)
            }
            guard state.items.count < Self.limit, state.bytes + frame.count <= Self.byteLimit else { return .overflow }
            state.items.append(item)
            state.bytes += frame.count
            return .queued
        }
        switch step {
        case .hand(let reader): reader.resume(returning: item)
        case .queued: break
        case .refused: done(false)
        case .overflow:
            done(false)
            close()
        }
    }

    /// The next frame to write; `nil` once the stream is closed. One task reads.
    func next() async -> Item? {
        await withCheckedContinuation { continuation in
            let ready: Item?? = state.withLock { state in
                if !state.items.isEmpty {
                    let item = state.items.removeFirst()
                    state.bytes -= item.frame.count
                    return .some(item)
                }
                if state.isClosed { return .some(nil) }
                state.reader = continuation
                return .none
            }
            if let ready { continuation.resume(returning: ready) }
        }
    }

    /// Ends the stream; what waits is not written.
    func close() {
        let (items, reader) = state.withLock { state in
            state.isClosed = true
            defer {
                state.items = []
                state.bytes = 0
                state.reader = nil
            }
            return (state.items, state.reader)
        }
        reader?.resume(returning: nil)
        for item in items { item.done(false) }
    }
}

/// Whether one of several readers took something: known as soon as one did, or none is left.
final class Confirmation: Sendable {
    private struct State {
        var open: Int
        var result: Bool?
        var waiter: CheckedContinuation<Bool, Never>?
    }

    private let state: Mutex<State>

    init(count: Int) { state = Mutex(State(open: count, result: count == 0 ? false : nil)) }

    func note(_ isWritten: Bool) {
        let waiter: (CheckedContinuation<Bool, Never>, Bool)? = state.withLock { state in
            state.open -= 1
            guard state.result == nil else { return nil }
            if isWritten { state.result = true } else if state.open <= 0 { state.result = false }
            guard let result = state.result, let waiter = state.waiter else { return nil }
            state.waiter = nil
            return (waiter, result)
        }
        if let (waiter, result) = waiter { waiter.resume(returning: result) }
    }

    func result() async -> Bool {
        await withCheckedContinuation { continuation in
            let ready: Bool? = state.withLock { state in
                if let result = state.result { return result }
                state.waiter = continuation
                return nil
            }
            if let ready { continuation.resume(returning: ready) }
        }
    }
}
