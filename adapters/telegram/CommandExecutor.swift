import AdapterKit
import Synchronization

/// Carries out what the router asks for.
final class CommandExecutor: Sendable {
    static let textLimit = 4096

    private struct State {
        var budget = SendBudget()
        /// Groups that became supergroups since this process began.
        var moved: [String: String] = [:]
    }

    private let server: BotServer
    private let signs: TypingSigns
    private let state = Mutex(State())
    private let start = ContinuousClock.now

    init(server: BotServer) {
        self.server = server
        signs = TypingSigns(server: server)
    }

    func execute(_ command: PlatformCommand) async -> SendOutcome {
        let arguments = command.arguments
        switch command.verb {
        case "send": return await send(command)
        case "edit": return await edit(command)
        case "typing":
            if arguments["on"]?.boolValue == false { signs.end(command) } else { signs.begin(command) }
            return .sent(ids: [])
        case "react":
            guard let id = Self.number(arguments["id"]) else { return .rejected(reason: "react needs a message's id") }
            let emoji = Self.plainEmoji(arguments["emoji"]?.stringValue ?? "")
            let shown: JSONValue = emoji.isEmpty ? [] : [["type": "emoji", "emoji": .string(emoji)]]
            return await single(command, "setMessageReaction", ["message_id": .integer(id), "reaction": shown])
        case "respond":
            guard let id = arguments["id"]?.stringValue, id.hasPrefix("callback/") else {
                return .rejected(reason: "respond needs the id of a callback")
            }
            let parameters: JSONObject = [
                "callback_query_id": .string(String(id.dropFirst(9))),
                "text": .string(String((arguments["text"]?.stringValue ?? "").prefix(200))),
                "show_alert": .bool(arguments["alert"]?.boolValue ?? false),
            ]
            do throws(CallFailure) {
                _ = try await server.call("answerCallbackQuery", parameters, within: 5)
                return .sent(ids: [])
            } catch {
                return .rejected(reason: error.reason)
            }
        case "topic":
            guard let name = arguments["name"]?.stringValue, !name.isEmpty else {
                return .rejected(reason: "topic needs a name")
            }
            return await call(command, "createForumTopic", ["name": .string(String(name.prefix(128)))]) {
                $0["message_thread_id"]?.integerValue
            }
        case "close":
            guard command.thread != nil else { return .rejected(reason: "close needs a thread") }
            return await single(command, "closeForumTopic", [:])
        default: return .rejected(reason: "there is no verb \(command.verb) here")
        }
    }

    /// Ends what goes on by itself.
    func stop() { signs.stop() }

    // MARK: Messages

    private func send(_ command: PlatformCommand) async -> SendOutcome {
        let pieces = UTF16Text.pieces(command.arguments["text"]?.stringValue ?? "", limit: Self.textLimit)
        guard !pieces.isEmpty else { return .rejected(reason: "a message needs a text") }
        var ids: [String] = []
        for (index, piece) in pieces.enumerated() {
            var parameters: JSONObject = ["text": .string(piece)]
            if index == 0, let answered = command.replyTo.flatMap({ Int64($0) }) {
                parameters["reply_parameters"] = [
                    "message_id": .integer(answered), "allow_sending_without_reply": true,
                ]
            }
            if index == pieces.count - 1, let keyboard = Self.keyboard(command.arguments["buttons"]) {
                parameters["reply_markup"] = keyboard
            }
            if command.arguments["silent"]?.boolValue == true { parameters["disable_notification"] = true }
            let outcome = await call(command, "sendMessage", parameters) { $0["message_id"]?.integerValue }
            guard case .sent(let sent) = outcome else {
                // What went out cannot be taken back, so neither `retry` nor `rejected` would be true of the whole.
                return ids.isEmpty
                    ? outcome : .unknown(reason: "only \(ids.count) of \(pieces.count) parts are known to be sent")
            }
            ids += sent
        }
        signs.end(command)
        return .sent(ids: ids)
    }

    private func edit(_ command: PlatformCommand) async -> SendOutcome {
        guard let id = Self.number(command.arguments["id"]) else {
            return .rejected(reason: "edit needs a message's id")
        }
        let text = command.arguments["text"]?.stringValue ?? ""
        guard text.utf16.count <= Self.textLimit else {
            return .rejected(reason: "a message has at most \(Self.textLimit) UTF-16 units")
        }
        var parameters: JSONObject = ["message_id": .integer(id), "text": .string(text)]
        if let keyboard = Self.keyboard(command.arguments["buttons"]) { parameters["reply_markup"] = keyboard }
        let outcome = await single(command, "editMessageText", parameters)
        if case .rejected(let reason) = outcome, reason.contains("message is not modified") { return .sent(ids: []) }
        return outcome
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

    /// Allowed reactions stand without variation selectors.
    static func plainEmoji(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.filter { $0.value != 0xFE0F }))
    }

    private static func number(_ value: JSONValue?) -> Int64? {
        value?.integerValue ?? value?.stringValue.flatMap { Int64($0) }
    }

    // MARK: Calls

    /// A call that may be made twice without harm, so that doubt is a reason to try again.
    private func single(_ command: PlatformCommand, _ method: String, _ parameters: JSONObject) async -> SendOutcome {
        let outcome = await call(command, method, parameters) { _ in nil }
        if case .unknown(let reason) = outcome { return .retry(after: 3000, reason: reason) }
        return outcome
    }

    private func call(
        _ command: PlatformCommand, _ method: String, _ parameters: JSONObject, id: (JSONValue) -> Int64?
    ) async -> SendOutcome {
        var chat = state.withLock { $0.moved[command.chat] } ?? command.chat
        // At most once more, under the id that the group has now.
        for isLast in [false, true] {
            guard let number = Int64(chat) else { return .rejected(reason: "there is no chat of this id") }
            if let wait = state.withLock({ [chat] in $0.budget.take(chat, now: now) }) {
                return .retry(after: Int64((wait * 1000).rounded(.up)), reason: "rate limit")
            }
            var parameters = parameters
            parameters["chat_id"] = .integer(number)
            // The topic "General" is number 1 and must not be named.
            if let thread = command.thread.flatMap({ Int64($0) }), thread != 1, method != "editMessageText",
                method != "setMessageReaction"
            {
                parameters["message_thread_id"] = .integer(thread)
            }
            do throws(CallFailure) {
                let result = try await server.call(method, parameters)
                return .sent(ids: id(result).map { [String($0)] } ?? [])
            } catch {
                if let target = error.migratedTo, !isLast {
                    chat = String(target)
                    state.withLock { [chat] in $0.moved[command.chat] = chat }
                    continue
                }
                if error.cause == .refused(429) {
                    let seconds = Double(min(max(error.retryAfter ?? 5, 1), 86_400))
                    state.withLock { [chat] in $0.budget.pause(chat, seconds: seconds, now: now) }
                }
                return Self.outcome(error)
            }
        }
        return .rejected(reason: "the group moved on")
    }

    static func outcome(_ failure: CallFailure) -> SendOutcome {
        switch failure.cause {
        case .refused(429):
            return .retry(after: min(max(failure.retryAfter ?? 5, 1), 86_400) * 1000, reason: "rate limit")
        case .refused: return .rejected(reason: failure.reason)
        case .unreachable: return .retry(after: 3000, reason: failure.reason)
        case .uncertain: return .unknown(reason: failure.reason)
        }
    }

    private var now: Double { start.duration(to: .now) / .seconds(1) }
}
