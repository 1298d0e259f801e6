import BusProtocol
import ChannelEvents
import Dispatch
import JSON
import MessageBus
import MessageStore
import Synchronization

/// Answers what may take long, and deletes what retention no longer keeps, beside the loop.
///
/// Queue `reads`: at most ``limit`` requests; past it a request is refused and its asker told to try again.
final class ReaderThread: Sendable {
    static let limit = 64
    /// Between two passes over what retention may delete, in milliseconds; a pass looks at every event that is old. The
    /// first one waits less, for routers that never run long.
    private static let retentionInterval: Int64 = 3_600_000
    private static let firstRetention: Int64 = 60_000
    /// Between two seals over what was decided, in milliseconds; while more than one is due, they come faster.
    private static let sealInterval: Int64 = 60_000
    private static let nextSealInterval: Int64 = 1_000
    /// Events under one seal: a millisecond or two of a reader's time, none of the writer's.
    private static let sealedEvents = 2_000
    /// Events that one slice of retention looks at: a few milliseconds of the writer's time.
    private static let sliceRows = 500

    private struct State {
        var requests: [ReadRequest] = []
        var isStopped = false
        var thread: DedicatedThread?
    }

    private let state = Mutex(State())
    private let bell = DispatchSemaphore(value: 0)
    private let store: MessageStore
    private let retention: RetentionPeriods
    private let clock: @Sendable () -> Moment
    private let finish: @Sendable (ReadAnswer) -> Void

    init(
        store: MessageStore, retention: RetentionPeriods, clock: @escaping @Sendable () -> Moment,
        finish: @escaping @Sendable (ReadAnswer) -> Void
    ) {
        self.store = store
        self.retention = retention
        self.clock = clock
        self.finish = finish
    }

    /// `false` when the queue is full.
    func enqueue(_ request: ReadRequest) -> Bool {
        let isTaken = state.withLock { state in
            guard state.requests.count < Self.limit, !state.isStopped else { return false }
            state.requests.append(request)
            return true
        }
        bell.signal()
        return isTaken
    }

    func start() throws(BusError) {
        let thread = try DedicatedThread(name: "reader") { [self] in run() }
        state.withLock { $0.thread = thread }
    }

    /// Returns when the thread has ended.
    func stop() {
        let thread = state.withLock { state in
            state.isStopped = true
            return state.thread
        }
        bell.signal()
        thread?.join()
    }

    private func run() {
        var nextRetention = clock().uptime + Self.firstRetention
        var nextSeal = clock().uptime + Self.sealInterval
        var place: EventSequence = 0
        while true {
            let (request, isStopped) = state.withLock { state in
                (state.requests.isEmpty ? nil : state.requests.removeFirst(), state.isStopped)
            }
            if isStopped { return }
            if let request {
                finish(ReadAnswer(asker: request.asker, outcome: answer(request.query)))
                continue
            }
            let now = clock()
            if now.uptime >= nextRetention {
                let next = retainSlice(from: place, now)
                place = next ?? 0
                nextRetention = next == nil ? now.uptime + Self.retentionInterval : now.uptime
                continue
            }
            if now.uptime >= nextSeal {
                nextSeal = now.uptime + (sealDecisions(now) ? Self.nextSealInterval : Self.sealInterval)
                continue
            }
            _ = bell.wait(timeout: .now() + .milliseconds(Int(min(nextRetention, nextSeal) - now.uptime)))
        }
    }

    /// Puts what was decided since the last seal under a new one.
    /// - Returns: whether there may be more.
    @discardableResult
    func sealDecisions(_ now: Moment) -> Bool {
        do {
            let seal = try store.read { reader in
                try reader.seal(after: try reader.lastSealed(), limit: Self.sealedEvents)
            }
            guard let seal else { return false }
            try store.turn { turn in try turn.append(seal, now: now.wall) }
            return seal.count == Self.sealedEvents
        } catch {
            // As with retention: the loop says so.
            return false
        }
    }

    private func retainSlice(from place: EventSequence, _ now: Moment) -> EventSequence? {
        do {
            return try store.turn { turn in
                try turn.retain(retention, from: place, rows: Self.sliceRows, now: now.wall)
            }
        } catch {
            // The loop meets the same failure at its next commit and says so; retention tries again later.
            return nil
        }
    }

    func answer(_ query: ReadRequest.Query) -> Answer.Outcome {
        do {
            return try store.read { reader in
                if case .history(_, let event?, _) = query, try reader.sequence(of: event) == nil {
                    return .failure(code: ProtocolError.Code.notFound.rawValue, message: "there is no event \(event)")
                }
                if case .explanation(let event) = query, try reader.sequence(of: event) == nil {
                    return .failure(
                        code: ProtocolError.Code.notFound.rawValue,
                        message:
                            "there is no event \(event) any more, or there never was; `switchboard history` shows ids")
                }
                return .success(try Self.answer(query, reader))
            }
        } catch {
            return .failure(code: error.code.rawValue, message: error.message)
        }
    }

    private static func answer(_ query: ReadRequest.Query, _ reader: StoreReader) throws -> JSONValue {
        switch query {
        case .history(let place, let before, let limit):
            let sequence = try before.map { try reader.sequence(of: $0) ?? .max }
            let entries = try reader.history(place: place, before: sequence, limit: limit)
            // The replies of the time that the events span; of all later time when no older page was asked for.
            let first = entries.count == limit ? entries.last?.head.time ?? 0 : 0
            let last = before == nil ? Int64.max : max(first, (entries.first?.head.time ?? first) + 1)
            let replies = try reader.replies(place: place, times: first..<last, limit: limit)
            return [
                "events": .array(entries.reversed().map { JSONValue.object($0.json) }),
                "replies": .array(replies.reversed().map { $0.part.json(to: $0.conversation) }),
            ]
        case .messages(let session, let place, let before, let limit):
            let messages = try reader.delivered(to: session, place: place, before: before, limit: limit)
            return ["messages": .array(messages.reversed().map { .object($0.toolMessage) })]
        case .conversations(let session, let limit):
            let conversations = try reader.conversations(of: session, limit: limit)
            return ["conversations": .array(conversations.map { ["chat_id": .string($0.description)] })]
        case .deadLetters(let limit):
            return ["letters": .array(try reader.deadLetters(limit: limit).map(\.json))]
        case .audit(let before, let limit):
            return ["entries": .array(try reader.audit(before: before, limit: limit).reversed().map(\.json))]
        case .decisions(let limit):
            let events = try reader.history(place: nil, before: nil, limit: limit)
            return ["decisions": .array(events.reversed().map { .object($0.decision) })]
        case .explanation(let event):
            guard let sequence = try reader.sequence(of: event),
                let entry = try reader.history(place: nil, before: sequence + 1, limit: 1).first
            else { return .null }
            var object = entry.decision
            object["deliveries"] = entry.json["deliveries"] ?? []
            object["audit"] = .array(try reader.audit(of: event, limit: 20).map(\.json))
            return .object(object)
        case .auditVerification:
            let (count, broken) = try reader.verifyAudit()
            let sealed = try reader.verifyDecisions()
            var result: JSONObject = [
                "whole": .bool(broken == nil && sealed.firstBroken == nil), "lines": .integer(count),
                "decisions": .integer(sealed.whole), "decisions_gone": .integer(sealed.missing),
                "decisions_unsealed": .integer(sealed.unsealed),
            ]
            if let broken { result["first_broken"] = .integer(broken) }
            if let events = sealed.firstBroken {
                result["broken_decisions"] = [.integer(events.lowerBound), .integer(events.upperBound)]
            }
            return .object(result)
        case .status(var status):
            var store = status["store"]?.objectValue ?? [:]
            store["bytes"] = .integer(try reader.size())
            store["dead_letters"] = .integer(try reader.deadLetterCount())
            store["events"] = .integer(try reader.eventCount())
            store["waiting"] = status["waiting"]
            store["held"] = .integer(try reader.waitingCount(of: heldSession))
            store["outbox"] = status["outbox"]
            status["store"] = .object(store)
            status["waiting"] = nil
            status["outbox"] = nil
            return .object(status)
        }
    }
}

extension OutboxPart {
    /// The form that `history` shows.
    fileprivate func json(to conversation: Conversation) -> JSONValue {
        var object: JSONObject = [
            "conversation": .string(conversation.description), "state": .string(state.word),
            "attempts": .integer(attempts), "time_ms": .integer(created),
        ]
        if verb != "send" { object["verb"] = .string(verb) }
        if total > 1 {
            object["part"] = .integer(ordinal)
            object["of"] = .integer(total)
        }
        if !ids.isEmpty { object["ids"] = .array(ids.map(JSONValue.string)) }
        if case .success(let arguments) = Result(catching: { try JSONValue(parsing: self.arguments) }) {
            object["text"] = arguments["text"]
        }
        if let reason { object["reason"] = .string(reason) }
        return .object(object)
    }
}

extension HistoryEntry {
    /// What was decided about it, without its text.
    fileprivate var decision: JSONObject {
        var object: JSONObject = [
            "event_id": .string(key.description), "conversation": .string(conversation.description),
            "sender": .string(head.sender), "kind": .string(head.kind.rawValue), "time_ms": .integer(head.time),
            "authentication": .string(head.authentication.rawValue),
        ]
        for member in Explanation(rule: rule, deliveries: deliveries).json { object[member.key] = member.value }
        return object
    }
}

extension AuditRecord {
    fileprivate var json: JSONValue {
        var object: JSONObject = [
            "id": .integer(id), "at_ms": .integer(at), "kind": .string(entry.kind), "actor": .string(entry.actor),
        ]
        let members = [
            ("conversation", entry.conversation), ("event", entry.event), ("session", entry.session),
            ("rule", entry.rule), ("detail", entry.detail),
        ]
        for (name, value) in members { object[name] = value.map(JSONValue.string) }
        return .object(object)
    }
}
