import AdapterKit
import Synchronization

/// The replies of all hooks: who listens, and what was said lately.
final class ReplyStreams: Sendable {
    /// Streams that may be open at once.
    static let listenerLimit = 64
    /// Replies kept for one hook, for listeners that come back; the oldest go first.
    static let keptReplies = 100
    static let keptBytes = 1 << 20
    /// Hooks whose replies are kept; the one used longest ago goes first.
    static let keptHooks = 256

    private struct Hook {
        var kept: [(id: String, frame: [UInt8])] = []
        var keptBytes = 0
        var listeners: [UInt64: ReplyListener] = [:]
        var lastUse: UInt64 = 0
    }

    private struct State {
        var hooks: [HookName: Hook] = [:]
        var listenerCount = 0
        var lastNumber: UInt64 = 0
        /// Hooks whose replies were handed back because nobody listened.
        var unheard: Set<HookName> = []
        /// Requests that wait for an answer, oldest first; as many as there are connections at most.
        var waiters: [HookName: [ReplyWaiter]] = [:]
        var isClosed = false
    }

    private let state = Mutex(State())
    /// Ids of another process say nothing here: its replies are not kept.
    private let run = RandomBytes.hexadecimal(count: 4)
    private let resumed: @Sendable ([String]) -> Void

    /// - Parameter resumed: called with the hooks whose held replies are worth trying now.
    init(resumed: @escaping @Sendable ([String]) -> Void) { self.resumed = resumed }

    /// Writes a reply to all who listen.
    /// - Returns: `sent` when one of them took it, else `retry`.
    func send(_ text: String, replyTo: String?, to name: HookName) async -> SendOutcome {
        let now = SystemClock.milliseconds
        let isHeard = await answerWaiter(text, replyTo: replyTo, to: name)
        let (id, listeners, confirmation) = state.withLock { state in
            state.lastNumber += 1
            let id = "\(run)-\(state.lastNumber)"
            let listeners = Array(state.hooks[name]?.listeners.values ?? [:].values)
            let confirmation = Confirmation(count: listeners.count)
            let frame = ReplyFrame.reply(id: id, text: text, replyTo: replyTo, time: now)
            for listener in listeners { listener.offer(frame) { confirmation.note($0) } }
            // Kept at once, so that a listener that comes in the meantime misses nothing; taken back if nobody took it.
            if listeners.isEmpty { state.unheard.insert(name) } else { keep(id, frame, name, &state) }
            return (id, listeners, confirmation)
        }
        if !listeners.isEmpty, await confirmation.result() { return .sent(ids: [id]) }
        if isHeard { return .sent(ids: [id]) }
        state.withLock { state in
            state.unheard.insert(name)
            guard let index = state.hooks[name]?.kept.firstIndex(where: { $0.id == id }) else { return }
            let size = state.hooks[name]?.kept.remove(at: index).frame.count ?? 0
            state.hooks[name]?.keptBytes -= size
        }
        return .retry(after: 3_600_000, reason: "nobody is listening on GET /hooks/\(name.text)/replies")
    }

    // MARK: Waiting for one answer

    /// - Returns: `nil` when the adapter stops.
    func wait(for event: String, in name: HookName) -> ReplyWaiter? {
        let waiter = ReplyWaiter(event: event)
        let isOpen = state.withLock { state in
            if !state.isClosed { state.waiters[name, default: []].append(waiter) }
            return !state.isClosed
        }
        // An answer that nobody heard may be the one to this event: the same request came before.
        if isOpen { resumed([name.text]) }
        return isOpen ? waiter : nil
    }

    func leave(_ waiter: ReplyWaiter, from name: HookName) {
        waiter.close()
        state.withLock { state in
            state.waiters[name]?.removeAll { $0 === waiter }
            if state.waiters[name]?.isEmpty == true { state.waiters[name] = nil }
        }
    }

    /// Gives an answer to the request it is for; one that names no message is for the request that waits longest.
    private func answerWaiter(_ text: String, replyTo: String?, to name: HookName) async -> Bool {
        let waiters = state.withLock { $0.waiters[name] ?? [] }
        for waiter in waiters where replyTo == nil || waiter.event == replyTo {
            let confirmation = Confirmation(count: 1)
            guard waiter.offer(ReplyWaiter.Reply(text: text) { confirmation.note($0) }) else { continue }
            return await confirmation.result()
        }
        return false
    }

    private func keep(_ id: String, _ frame: [UInt8], _ name: HookName, _ state: inout State) {
        var hook = state.hooks[name] ?? Hook()
        hook.lastUse = state.lastNumber
        hook.kept.append((id, frame))
        hook.keptBytes += frame.count
        while hook.kept.count > Self.keptReplies || (hook.keptBytes > Self.keptBytes && hook.kept.count > 1) {
            hook.keptBytes -= hook.kept.removeFirst().frame.count
        }
        state.hooks[name] = hook
        guard state.hooks.count > Self.keptHooks else { return }
        let idle = state.hooks.filter { $0.value.listeners.isEmpty }.min { $0.value.lastUse < $1.value.lastUse }
        if let idle { state.hooks[idle.key] = nil }
    }

    /// Opens a stream; what was said after `lastID` comes first.
    /// - Returns: `nil` when too many streams are open.
    func listen(to name: HookName, after lastID: String?) -> ReplyListener? {
        let listener: ReplyListener? = state.withLock { state in
            guard !state.isClosed, state.listenerCount < Self.listenerLimit else { return nil }
            state.lastNumber += 1
            let listener = ReplyListener(number: state.lastNumber)
            var hook = state.hooks[name] ?? Hook()
            hook.lastUse = state.lastNumber
            if let lastID {
                // An unknown id is older than all that is kept, or of another process: all of it is news.
                let start = hook.kept.firstIndex { $0.id == lastID }.map { $0 + 1 } ?? 0
                for (_, frame) in hook.kept[start...] { listener.offer(frame) { _ in } }
            }
            hook.listeners[listener.number] = listener
            state.hooks[name] = hook
            state.listenerCount += 1
            state.unheard.remove(name)
            return listener
        }
        if listener != nil { resumed([name.text]) }
        return listener
    }

    func leave(_ listener: ReplyListener, from name: HookName) {
        listener.close()
        state.withLock { state in
            guard state.hooks[name]?.listeners.removeValue(forKey: listener.number) != nil else { return }
            state.listenerCount -= 1
            if let hook = state.hooks[name], hook.listeners.isEmpty, hook.kept.isEmpty { state.hooks[name] = nil }
        }
    }

    /// Keeps streams open through proxies, finds those whose reader is gone, and asks again for replies that were
    /// handed back in the moment in which a listener came.
    func beat() {
        let (listeners, heard) = state.withLock { state in
            let heard = state.unheard.filter { !(state.hooks[$0]?.listeners.isEmpty ?? true) }
            state.unheard.subtract(heard)
            // Nobody may ever listen to the others; the router tries them again by itself.
            if state.unheard.count > Self.keptHooks { state.unheard = [] }
            return (state.hooks.values.flatMap { Array($0.listeners.values) }, heard.map(\.text).sorted())
        }
        for listener in listeners { listener.offer(ReplyFrame.heartbeat) { _ in } }
        if !heard.isEmpty { resumed(heard) }
    }

    /// Ends all streams and takes no new ones.
    func close() {
        let (listeners, waiters) = state.withLock { state in
            state.isClosed = true
            return (
                state.hooks.values.flatMap { Array($0.listeners.values) }, state.waiters.values.flatMap { $0 }
            )
        }
        for listener in listeners { listener.close() }
        for waiter in waiters { waiter.close() }
    }

    var listenerCount: Int { state.withLock { $0.listenerCount } }
}

/// One line protocol event of `text/event-stream`.
enum ReplyFrame {
    static let heartbeat = Array(": heartbeat\n\n".utf8)
    /// Said first: how soon a reader should come back, in milliseconds.
    static let opening = Array("retry: 2000\n\n".utf8)

    static func reply(id: String, text: String, replyTo: String?, time: Int64) -> [UInt8] {
        var data = JSONWriter(capacity: text.utf8.count + 96)
        data.beginObject()
        data.member("text", text)
        data.member("reply_to", replyTo)
        data.member("ts", Timestamp.text(milliseconds: time))
        data.endObject()
        // JSON of one line: a line break in the text cannot end the event.
        return Array("id: \(id)\nevent: reply\ndata: ".utf8) + data.bytes + Array("\n\n".utf8)
    }
}
