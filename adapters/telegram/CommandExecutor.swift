import AdapterKit
import Synchronization

/// Carries out what the router asks for.
final class CommandExecutor: Sendable {
    static let textLimit = 4096
    /// The topic "General" must not be named to the server.
    static let general: Int64 = 1

    private let server: any BotAPI
    private let taps: TapAnswers
    private let moves: SharedMoves
    private let signs: TypingSigns
    private let budget = Mutex(SendBudget())
    private let start = ContinuousClock.now
    private let closing: Mutex<Closing>
    /// Brings a command's file here.
    let load: Load

    typealias Load = @Sendable (CommandFile) async throws(FetchFailure) -> LoadedFile
    /// Seconds that files may take on their way to the server.
    private static let uploadPatience: Int64 = 600

    /// Commands under way when the adapter ends are seen to their end; the last one shuts the door.
    private struct Closing {
        var underWay = 0
        var isStopped = false
        var close: @Sendable () async -> Void
    }

    /// - Parameter close: called once, when the adapter ended and no command is under way.
    init(
        server: any BotAPI, taps: TapAnswers, moves: SharedMoves,
        load: @escaping Load = { _ throws(FetchFailure) in throw FetchFailure(.unsupported, "there are no files here")
        },
        whenIdle close: @escaping @Sendable () async -> Void = {}
    ) {
        closing = Mutex(Closing(close: close))
        self.load = load
        self.server = server
        self.taps = taps
        self.moves = moves
        signs = TypingSigns(server: server, moves: moves)
    }

    func execute(_ command: PlatformCommand) async -> SendOutcome {
        closing.withLock { $0.underWay += 1 }
        let outcome = await carryOut(command)
        let close = closing.withLock { closing in
            closing.underWay -= 1
            return closing.isStopped && closing.underWay == 0 ? closing.close : nil
        }
        await close?()
        return outcome
    }

    /// Ends what goes on by itself.
    func stop() async {
        signs.stop()
        let close = closing.withLock { closing in
            closing.isStopped = true
            return closing.underWay == 0 ? closing.close : nil
        }
        await close?()
    }

    private func carryOut(_ command: PlatformCommand) async -> SendOutcome {
        let arguments = command.arguments
        switch command.verb {
        case "send": return command.files.isEmpty ? await sendText(command) : await sendFiles(command)
        case "edit": return await edit(command)
        case "react": return await react(command)
        case "typing":
            if arguments["on"]?.boolValue == false { signs.end(command) } else { signs.begin(command) }
            return .sent(ids: [])
        case "respond":
            guard let id = arguments["id"]?.stringValue, id.hasPrefix("callback/") else {
                return .rejected(reason: "respond needs the id of a callback")
            }
            let failure = await taps.respond(
                String(id.dropFirst(9)), text: arguments["text"]?.stringValue ?? "",
                isAlert: arguments["alert"]?.boolValue ?? false)
            return failure.map { .rejected(reason: $0) } ?? .sent(ids: [])
        case "topic":
            guard let name = arguments["name"]?.stringValue, !name.isEmpty else {
                return .rejected(reason: "topic needs a name")
            }
            return await call(command, "createForumTopic", ["name": .string(String(name.prefix(128)))]) { result, _ in
                result["message_thread_id"]?.integerValue.map { [String($0)] } ?? []
            }
        case "close":
            guard command.thread != nil else { return .rejected(reason: "close needs a thread") }
            return await single(command, "closeForumTopic", [:])
        default: return .rejected(reason: "there is no verb \(command.verb) here")
        }
    }

    // MARK: Messages

    func sendText(_ command: PlatformCommand) async -> SendOutcome {
        // The router cuts long texts itself; one that is longer all the same goes out in parts.
        let parts = FormattedText(command.arguments).split(limit: Self.textLimit, spans: EntityRenderer.entityLimit)
            .filter { part in
                part.text.contains { !$0.isWhitespace }
            }
        guard !parts.isEmpty else { return .rejected(reason: "a message needs a text") }
        var ids: [String] = []
        for (index, part) in parts.enumerated() {
            var parameters = Self.shown(part)
            if index == 0, let answered = answered(command) { parameters["reply_parameters"] = answered }
            if index == parts.count - 1, let keyboard = Self.keyboard(command.arguments["buttons"]) {
                parameters["reply_markup"] = keyboard
            }
            if command.arguments["silent"]?.boolValue == true { parameters["disable_notification"] = true }
            let outcome = await call(command, "sendMessage", parameters, ids: Self.messageIDs)
            guard case .sent(let sent) = outcome else {
                // What went out cannot be taken back, so neither `retry` nor `rejected` would be true of the whole.
                return ids.isEmpty
                    ? outcome : .unknown(reason: "only \(ids.count) of \(parts.count) parts are known to be sent")
            }
            ids += sent
        }
        endTyping(command)
        return .sent(ids: ids)
    }

    /// A message of ours ends the sign by itself; so must we.
    func endTyping(_ command: PlatformCommand) { signs.end(command) }

    private func edit(_ command: PlatformCommand) async -> SendOutcome {
        guard let number = number(command) else { return .rejected(reason: Self.needsMessage("edit")) }
        let text = FormattedText(command.arguments)
        guard text.text.utf16.count <= Self.textLimit else {
            return .rejected(reason: "a message has at most \(Self.textLimit) UTF-16 units")
        }
        var parameters = Self.shown(text)
        parameters["message_id"] = .integer(number)
        if let keyboard = Self.keyboard(command.arguments["buttons"]) { parameters["reply_markup"] = keyboard }
        let outcome = await single(command, "editMessageText", parameters)
        if case .rejected(let reason) = outcome, reason.contains("message is not modified") { return .sent(ids: []) }
        return outcome
    }

    private func react(_ command: PlatformCommand) async -> SendOutcome {
        guard let number = number(command) else { return .rejected(reason: Self.needsMessage("react")) }
        let wanted = command.arguments["emoji"]?.stringValue ?? ""
        var shown: [JSONValue] = []
        if !wanted.isEmpty {
            guard let emoji = ReactionSet.reaction(for: wanted) else {
                return .rejected(
                    reason: "bots may not react with \(wanted.prefix(8)) here; 👍 👎 👀 🔥 🎉 ❤ 🤔 👌 🙏 and such are taken")
            }
            shown = [["type": "emoji", "emoji": .string(emoji)]]
        }
        return await single(
            command, "setMessageReaction", ["message_id": .integer(number), "reaction": .array(shown)])
    }

    static func shown(_ text: FormattedText) -> JSONObject {
        let rendered = EntityRenderer(text)
        var parameters: JSONObject = ["text": .string(rendered.text)]
        if !rendered.entities.isEmpty { parameters["entities"] = .array(rendered.entities) }
        return parameters
    }

    static func keyboard(_ buttons: JSONValue?) -> JSONValue? {
        guard let rows = buttons?.arrayValue, !rows.isEmpty else { return nil }
        let keys = rows.map { row in
            JSONValue.array(
                (row.arrayValue ?? []).map { button in
                    [
                        "text": .string(button["label"]?.stringValue ?? ""),
                        "callback_data": .string(button["action"]?.stringValue ?? ""),
                    ]
                })
        }
        return ["inline_keyboard": .array(keys)]
    }

    /// What a message answers, where that is in the chat still.
    func answered(_ command: PlatformCommand) -> JSONValue? {
        guard let id = MessageID(command.replyTo), let number = id.number(in: moves.value.platformID(of: command.chat))
        else { return nil }
        return ["message_id": .integer(number), "allow_sending_without_reply": true]
    }

    private func number(_ command: PlatformCommand) -> Int64? {
        let argument = command.arguments["id"]
        let text = argument?.stringValue ?? argument?.integerValue.map { String($0) }
        return MessageID(text)?.number(in: moves.value.platformID(of: command.chat))
    }

    private static func needsMessage(_ verb: String) -> String { "\(verb) needs the id of a message in this chat" }

    /// Of one message, or of all in a group.
    static let messageIDs: @Sendable (JSONValue, String) -> [String] = { result, chat in
        (result.arrayValue ?? [result]).compactMap { message in
            message["message_id"]?.integerValue.map { MessageID(chat: chat, number: $0).text }
        }
    }

    // MARK: Calls

    /// A call that may be made twice without harm, so that doubt is a reason to try again.
    private func single(_ command: PlatformCommand, _ method: String, _ parameters: JSONObject) async -> SendOutcome {
        let outcome = await call(command, method, parameters) { _, _ in [] }
        if case .unknown(let reason) = outcome { return .retry(after: 3000, reason: reason) }
        return outcome
    }

    func call(
        _ command: PlatformCommand, _ method: String, _ parameters: JSONObject, files: [FilePart] = [],
        ids: @Sendable (JSONValue, String) -> [String]
    ) async -> SendOutcome {
        // At most once more, under the id that the group has now.
        for isLast in [false, true] {
            let chat = moves.value.platformID(of: command.chat)
            guard let number = Int64(chat) else { return .rejected(reason: "there is no chat of this id") }
            if let wait = budget.withLock({ $0.take(chat, now: now) }) {
                return .retry(after: Int64((wait * 1000).rounded(.up)), reason: "rate limit")
            }
            var parameters = parameters
            parameters["chat_id"] = .integer(number)
            if let thread = command.thread.flatMap({ Int64($0) }), thread != Self.general, method != "editMessageText",
                method != "setMessageReaction"
            {
                parameters["message_thread_id"] = .integer(thread)
            }
            do throws(CallFailure) {
                let result = try await carry(method, parameters, files)
                return .sent(ids: ids(result, chat))
            } catch {
                if let target = error.migratedTo, !isLast {
                    moves.learn(old: command.chat, new: String(target))
                    continue
                }
                if error.cause == .refused(429) {
                    let seconds = Double(Self.pause(error))
                    budget.withLock { $0.pause(chat, seconds: seconds, now: now) }
                }
                return Self.outcome(error)
            }
        }
        return .rejected(reason: "the group moved on")
    }

    private func carry(_ method: String, _ parameters: JSONObject, _ files: [FilePart]) async throws(CallFailure)
        -> JSONValue
    {
        guard !files.isEmpty else { return try await server.call(method, parameters) }
        var form = MultipartForm(parameters)
        for part in files {
            form.add(
                part.field, path: part.file.path, size: part.file.size, fileName: part.file.name,
                mediaType: part.file.mediaType)
        }
        return try await server.upload(method, form, within: Self.uploadPatience)
    }

    static func outcome(_ failure: CallFailure) -> SendOutcome {
        switch failure.cause {
        case .refused(429): return .retry(after: pause(failure) * 1000, reason: "rate limit")
        // The token is wrong or revoked: a person mends that, and then the message goes out.
        case .refused(401): return .retry(after: 60_000, reason: failure.reason)
        case .refused: return .rejected(reason: failure.reason)
        case .unreachable: return .retry(after: 3000, reason: failure.reason)
        case .uncertain: return .unknown(reason: failure.reason)
        }
    }

    /// Seconds, as the server says, within reason.
    private static func pause(_ failure: CallFailure) -> Int64 { min(max(failure.retryAfter ?? 5, 1), 86_400) }

    private var now: Double { start.duration(to: .now) / .seconds(1) }
}
