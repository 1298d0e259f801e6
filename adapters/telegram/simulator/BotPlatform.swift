import JSON
import Synchronization

/// The platform: one bot, the chats it is in, and what the server remembers of both. Every change goes through here.
///
/// Written from the Bot API's documentation and its server's source, apart from the adapter: neither knows the other, so
/// that an error of one does not hide in the other.
final class BotPlatform: Sendable {
    struct Chat {
        var id: Int64
        var type: String
        var title: String?
        var isForum = false
        var nextMessage: Int64 = 1
        /// As the API shows them.
        var messages: [Int64: JSONObject] = [:]
        /// Whether each is the bot's own.
        var own: Set<Int64> = []
        var topics: [Int64: Topic] = [:]
        var migratedTo: Int64?
        /// The bot's reaction to each message.
        var reactions: [Int64: String] = [:]
        var isBlocked = false
    }

    struct Topic: Hashable {
        var name: String
        var isClosed = false
    }

    struct StoredFile {
        var path: String
        var name: String
        var type: String?
        var bytes: [UInt8]
        /// What the server says its size is.
        var size: Int64
    }

    /// A call as it came, for those who watch. The token is not in it.
    struct Call: Sendable {
        var method: String
        var parameters: JSONObject
        var time: Int64
    }

    struct Tap {
        var time: Int64
        /// What the person was shown: `nil` while the client waits.
        var answer: String?
        var isAlert = false
    }

    struct State {
        var token: String
        var isRevoked = false
        var bot: JSONObject
        var people: [Int64: JSONObject] = [:]
        var chats: [Int64: Chat] = [:]
        var queue: UpdateQueue
        /// What the bot asked for; remembered by the server.
        var allowed: Set<String>?
        var webhook = ""
        var commands: [String: JSONValue] = [:]
        var taps: [String: Tap] = [:]
        var files: [String: StoredFile] = [:]
        /// Whether files are given as paths of this machine, as a local server does.
        var filesFolder: String?
        var lastNumber: Int64 = 0
        var forecasts = Forecasts()
        var calls: [Call] = []
        /// Milliseconds added to the clock.
        var ahead: Int64 = 0
        var poll: Poll?
        /// A poll waits until so many updates are there; 1 again after it.
        var leastBatch = 1
        /// Polls that were answered, and those that ended with 409.
        var polls = 0
        var conflicts = 0
        var drafts: [String] = []
        /// Whether it knows the newest methods: `sendMessageDraft`.
        var hasDrafts = true
    }

    /// The poll that waits. A newer one ends it.
    struct Poll {
        var number: Int64
        var continuation: CheckedContinuation<PollEnd, Never>
    }

    enum PollEnd { case updates, conflict, time }

    static let callLimit = 200_000

    let state: Mutex<State>
    private let watchers = Mutex<[@Sendable () -> Void]>([])
    private let clock: @Sendable () -> Int64

    /// - Parameter clock: milliseconds since 1970.
    init(
        token: String = "7:simulated-token-of-nobody", username: String = "simulated_bot",
        clock: @escaping @Sendable () -> Int64 = { SystemTime.milliseconds }
    ) {
        let id = Int64(token.prefix { $0 != ":" }) ?? 7
        let bot: JSONObject = [
            "id": .integer(id), "is_bot": true, "first_name": "Simulated", "username": .string(username),
            "can_join_groups": true, "can_read_all_group_messages": true, "supports_inline_queries": false,
        ]
        state = Mutex(State(token: token, bot: bot, queue: UpdateQueue(first: 500_001)))
        self.clock = clock
    }

    /// Called after every change.
    func watch(_ watcher: @escaping @Sendable () -> Void) { watchers.withLock { $0.append(watcher) } }

    /// One change of the state, and what follows of it: a poll that waits is answered, watchers are told.
    @discardableResult
    func change<Result: Sendable, Failure: Error>(
        _ body: (inout State, Int64) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let now = clock()
        let (result, poll) = try state.withLock { state throws(Failure) -> (Result, Poll?) in
            let result = try body(&state, now + state.ahead)
            guard state.queue.count >= state.leastBatch, let poll = state.poll else { return (result, nil) }
            state.poll = nil
            return (result, poll)
        }
        poll?.continuation.resume(returning: .updates)
        for watcher in watchers.withLock({ $0 }) { watcher() }
        return result
    }

    /// Lets time pass: what is kept for a while ends.
    func advance(milliseconds: Int64) { change { state, _ in state.ahead += milliseconds } }

    // MARK: Calls of the bot

    /// The result of a method. `getUpdates` may take as long as it was asked to.
    func call(_ method: String, _ form: RequestForm) async throws(Refusal) -> JSONValue {
        let method = method.lowercased()
        try change { state, now throws(Refusal) in
            if state.calls.count >= Self.callLimit { state.calls.removeFirst(Self.callLimit / 2) }
            state.calls.append(Call(method: method, parameters: form.values, time: now))
            if state.isRevoked { throw Refusal(401, "Unauthorized") }
        }
        if method == "getupdates" { return try await getUpdates(form) }
        return try change { state, now throws(Refusal) in try Self.carryOut(method, form, &state, now) }
    }

    private static func carryOut(_ method: String, _ form: RequestForm, _ state: inout State, _ now: Int64)
        throws(Refusal) -> JSONValue
    {
        switch method {
        case "getme": return .object(state.bot)
        case "logout", "close": return true
        case "deletewebhook":
            state.webhook = ""
            if form.flag("drop_pending_updates") { state.queue.clear() }
            return true
        case "setwebhook":
            state.webhook = form.text("url") ?? ""
            return true
        case "getwebhookinfo":
            return [
                "url": .string(state.webhook), "has_custom_certificate": false,
                "pending_update_count": .integer(Int64(state.queue.count)),
            ]
        case "setmycommands": return try setMyCommands(form, &state)
        case "getmycommands": return try state.commands[scope(form)] ?? []
        case "deletemycommands":
            state.commands[try scope(form)] = nil
            return true
        case "getchat": return try state.chat(form).value.json
        case "sendmessage": return try sendMessage(form, &state, now)
        case "sendmessagedraft": return try sendMessageDraft(form, &state)
        case "sendphoto", "senddocument", "sendvoice", "sendaudio", "sendvideo", "sendanimation":
            return try sendFile(String(method.dropFirst(4)), form, &state, now)
        case "sendmediagroup": return try sendMediaGroup(form, &state, now)
        case "sendchataction":
            _ = try state.chat(form)
            guard form.text("action") != nil else {
                throw Refusal(400, "Bad Request: wrong parameter action in request")
            }
            return true
        case "editmessagetext": return try edit(form, &state, now, isText: true)
        case "editmessagereplymarkup": return try edit(form, &state, now, isText: false)
        case "deletemessage": return try delete(form, &state)
        case "setmessagereaction": return try react(form, &state)
        case "answercallbackquery": return try answerCallbackQuery(form, &state, now)
        case "createforumtopic": return try createForumTopic(form, &state, now)
        case "closeforumtopic", "reopenforumtopic":
            return try closeForumTopic(form, &state, isClosed: method == "closeforumtopic")
        case "getfile": return try getFile(form, &state)
        default: throw Refusal(404, "Not Found: method not found")
        }
    }

    // MARK: getUpdates

    private func getUpdates(_ form: RequestForm) async throws(Refusal) -> JSONValue {
        let limit = Int(min(max(form.integer("limit") ?? 100, 1), 100))
        let seconds = min(max(form.integer("timeout") ?? 0, 0), 50)
        let offset = form.integer("offset") ?? 0
        let allowed = try form.json("allowed_updates")?.arrayValue?.compactMap(\.stringValue)
        let number = try change { state, _ throws(Refusal) -> Int64 in
            guard state.webhook.isEmpty else {
                throw Refusal(
                    409,
                    "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
                )
            }
            if let allowed { state.allowed = allowed.isEmpty ? nil : Set(allowed) }
            state.lastNumber += 1
            return state.lastNumber
        }
        let first = serve(offset, limit)
        if !first.isEmpty || seconds == 0 { return .array(first) }
        switch await wait(number, seconds: seconds) {
        case .updates, .time: return .array(serve(offset, limit))
        case .conflict:
            throw Refusal(
                409, "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
            )
        }
    }

    private func serve(_ offset: Int64, _ limit: Int) -> [JSONValue] {
        change { state, now in
            let batch = state.queue.serve(offset: offset, limit: limit, now: now)
            guard batch.count >= min(state.leastBatch, limit) else { return [] }
            state.leastBatch = 1
            state.polls += 1
            return batch
        }
    }

    private func wait(_ number: Int64, seconds: Int64) async -> PollEnd {
        let timer = Task {
            do {
                try await Task.sleep(for: .seconds(seconds))
            } catch {
                return  // it was answered
            }
            end(number, .time)
        }
        defer { timer.cancel() }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let older: (CheckedContinuation<PollEnd, Never>, PollEnd)? = state.withLock { state in
                    if Task.isCancelled { return (continuation, .time) }
                    if state.queue.count >= state.leastBatch { return (continuation, .updates) }
                    let older = state.poll?.continuation
                    if older != nil { state.conflicts += 1 }
                    state.poll = Poll(number: number, continuation: continuation)
                    return older.map { ($0, .conflict) }
                }
                older?.0.resume(returning: older?.1 ?? .time)
            }
        } onCancel: {
            end(number, .time)
        }
    }

    /// Ends the poll of this number, or whichever waits.
    func end(_ number: Int64?, _ end: PollEnd) {
        let poll = state.withLock { state in
            guard let poll = state.poll, number == nil || poll.number == number else { return nil as Poll? }
            state.poll = nil
            return poll
        }
        poll?.continuation.resume(returning: end)
    }

    // MARK: Commands

    private static func scope(_ form: RequestForm) throws(Refusal) -> String {
        (try form.json("scope")?.text ?? "{\"type\":\"default\"}") + (form.text("language_code") ?? "")
    }

    private static func setMyCommands(_ form: RequestForm, _ state: inout State) throws(Refusal) -> JSONValue {
        guard let commands = try form.json("commands")?.arrayValue, commands.count <= 100 else {
            throw Refusal(400, "Bad Request: wrong commands")
        }
        for command in commands {
            let name = command["command"]?.stringValue ?? ""
            let isName =
                (1...32).contains(name.utf8.count)
                && name.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5F }
            guard isName else { throw Refusal(400, "Bad Request: BOT_COMMAND_INVALID") }
            guard (1...256).contains(command["description"]?.stringValue?.count ?? 0) else {
                throw Refusal(400, "Bad Request: command description must be 1-256 characters long")
            }
        }
        state.commands[try scope(form)] = .array(commands)
        return true
    }
}

extension BotPlatform.Chat {
    var json: JSONValue {
        var object: JSONObject = ["id": .integer(id), "type": .string(type)]
        if let title { object["title"] = .string(title) }
        if isForum { object["is_forum"] = true }
        return .object(object)
    }
}

extension BotPlatform.State {
    /// The chat that a call names.
    func chat(_ form: RequestForm) throws(Refusal) -> (id: Int64, value: BotPlatform.Chat) {
        guard let id = form.integer("chat_id") else { throw Refusal(400, "Bad Request: chat_id is empty") }
        guard let chat = chats[id] else { throw Refusal(400, "Bad Request: chat not found") }
        if let target = chat.migratedTo {
            throw Refusal(
                400, "Bad Request: group chat was upgraded to a supergroup chat", migratedTo: target)
        }
        if chat.isBlocked { throw Refusal(403, "Forbidden: bot was blocked by the user") }
        return (id, chat)
    }
}
