import JSON

/// What the bot sends, edits and takes away.
extension BotPlatform {
    static func sendMessage(_ form: RequestForm, _ state: inout State, _ now: Int64) throws(Refusal) -> JSONValue {
        let text = try MessageRules.text(form.text("text"), limit: MessageRules.textLimit)
        return try post(["text": .string(text)], try formatting(form, text, "entities"), form, &state, now)
    }

    static func sendMessageDraft(_ form: RequestForm, _ state: inout State) throws(Refusal) -> JSONValue {
        guard state.hasDrafts else { throw Refusal(404, "Not Found: method not found") }
        let (id, _) = try state.chat(form)
        guard id > 0 else { throw Refusal(400, "Bad Request: drafts are for private chats") }
        guard let draft = form.integer("draft_id"), draft != 0 else {
            throw Refusal(400, "Bad Request: draft_id must be non-zero")
        }
        let text = try MessageRules.text(form.text("text"), limit: MessageRules.textLimit, canBeEmpty: true)
        _ = try formatting(form, text, "entities")
        state.drafts.append(text)
        return true
    }

    /// The entities of a call; marks in the text are for the real server alone.
    static func formatting(_ form: RequestForm, _ text: String, _ key: String) throws(Refusal) -> JSONObject {
        guard form.text("parse_mode") ?? "" == "" else {
            throw Refusal(400, "Bad Request: can't parse entities: the simulator knows entities, not parse modes")
        }
        let entities = try MessageRules.entities(try form.json(key), in: text)
        return entities.isEmpty ? [:] : [key: .array(entities)]
    }

    /// Puts a message of the bot into a chat.
    static func post(
        _ content: JSONObject, _ formatting: JSONObject, _ form: RequestForm, _ state: inout State, _ now: Int64
    ) throws(Refusal) -> JSONValue {
        let (id, chat) = try state.chat(form)
        var message: JSONObject = [
            "message_id": .integer(chat.nextMessage), "from": .object(state.bot), "chat": chat.json,
            "date": .integer(now / 1000),
        ]
        if let thread = form.integer("message_thread_id") {
            guard let topic = chat.topics[thread] else { throw Refusal(400, "Bad Request: message thread not found") }
            guard !topic.isClosed else { throw Refusal(400, "Bad Request: TOPIC_CLOSED") }
            message["message_thread_id"] = .integer(thread)
            message["is_topic_message"] = true
        }
        if let answered = try form.json("reply_parameters") {
            if let target = answered["message_id"]?.integerValue.flatMap({ chat.messages[$0] }) {
                var target = target
                target["reply_to_message"] = nil
                message["reply_to_message"] = .object(target)
            } else if answered["allow_sending_without_reply"]?.boolValue != true {
                throw Refusal(400, "Bad Request: message to be replied not found")
            }
        }
        for member in content { message[member.key] = member.value }
        for member in formatting { message[member.key] = member.value }
        if let keyboard = try MessageRules.keyboard(try form.json("reply_markup")) {
            message["reply_markup"] = keyboard
        }
        state.chats[id]?.messages[chat.nextMessage] = message
        state.chats[id]?.own.insert(chat.nextMessage)
        state.chats[id]?.nextMessage += 1
        return .object(message)
    }

    // MARK: Later

    static func edit(_ form: RequestForm, _ state: inout State, _ now: Int64, isText: Bool) throws(Refusal) -> JSONValue
    {
        let (id, chat) = try state.chat(form)
        guard let number = form.integer("message_id"), let before = chat.messages[number] else {
            throw Refusal(400, "Bad Request: message to edit not found")
        }
        guard chat.own.contains(number) else { throw Refusal(400, "Bad Request: message can't be edited") }
        var after = before
        if isText {
            let text = try MessageRules.text(form.text("text"), limit: MessageRules.textLimit)
            guard before["text"] != nil else {
                throw Refusal(400, "Bad Request: there is no text in the message to edit")
            }
            after["text"] = .string(text)
            after["entities"] = nil
            for member in try formatting(form, text, "entities") { after[member.key] = member.value }
        }
        after["reply_markup"] = try MessageRules.keyboard(try form.json("reply_markup"))
        guard
            after["text"] != before["text"] || after["entities"] != before["entities"]
                || after["reply_markup"] != before["reply_markup"]
        else {
            throw Refusal(
                400,
                "Bad Request: message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message"
            )
        }
        after["edit_date"] = .integer(now / 1000)
        state.chats[id]?.messages[number] = after
        return .object(after)
    }

    static func delete(_ form: RequestForm, _ state: inout State) throws(Refusal) -> JSONValue {
        let (id, chat) = try state.chat(form)
        guard let number = form.integer("message_id"), chat.messages[number] != nil else {
            throw Refusal(400, "Bad Request: message to delete not found")
        }
        state.chats[id]?.messages[number] = nil
        return true
    }

    static func react(_ form: RequestForm, _ state: inout State) throws(Refusal) -> JSONValue {
        let (id, chat) = try state.chat(form)
        guard let number = form.integer("message_id"), chat.messages[number] != nil else {
            throw Refusal(400, "Bad Request: message to react not found")
        }
        let wanted = try form.json("reaction")?.arrayValue ?? []
        guard wanted.count <= 1 else { throw Refusal(400, "Bad Request: REACTIONS_TOO_MANY") }
        let emoji = wanted.first?["emoji"]?.stringValue
        if let emoji, !MessageRules.reactions.contains(emoji) { throw Refusal(400, "Bad Request: REACTION_INVALID") }
        state.chats[id]?.reactions[number] = emoji
        return true
    }

    /// A tap is answered once and soon.
    static func answerCallbackQuery(_ form: RequestForm, _ state: inout State, _ now: Int64) throws(Refusal)
        -> JSONValue
    {
        guard let id = form.text("callback_query_id"), let tap = state.taps[id], tap.answer == nil,
            now - tap.time < 60_000
        else {
            throw Refusal(
                400, "Bad Request: query is too old and response timeout expired or query ID is invalid")
        }
        let text = form.text("text") ?? ""
        guard text.count <= 200 else { throw Refusal(400, "Bad Request: MESSAGE_TOO_LONG") }
        state.taps[id]?.answer = text
        state.taps[id]?.isAlert = form.flag("show_alert")
        return true
    }

    // MARK: Topics

    static func createForumTopic(_ form: RequestForm, _ state: inout State, _ now: Int64) throws(Refusal) -> JSONValue {
        let (id, chat) = try state.chat(form)
        guard chat.isForum else { throw Refusal(400, "Bad Request: the chat is not a forum") }
        guard let name = form.text("name"), (1...128).contains(name.count) else {
            throw Refusal(400, "Bad Request: TOPIC_TITLE_EMPTY")
        }
        let thread = chat.nextMessage
        state.chats[id]?.nextMessage += 1
        state.chats[id]?.topics[thread] = Topic(name: name)
        return ["message_thread_id": .integer(thread), "name": .string(name), "icon_color": 7_322_096]
    }

    static func closeForumTopic(_ form: RequestForm, _ state: inout State, isClosed: Bool) throws(Refusal) -> JSONValue
    {
        let (id, chat) = try state.chat(form)
        guard let thread = form.integer("message_thread_id"), let topic = chat.topics[thread] else {
            throw Refusal(400, "Bad Request: message thread not found")
        }
        guard topic.isClosed != isClosed else { throw Refusal(400, "Bad Request: TOPIC_NOT_MODIFIED") }
        state.chats[id]?.topics[thread]?.isClosed = isClosed
        return true
    }
}
