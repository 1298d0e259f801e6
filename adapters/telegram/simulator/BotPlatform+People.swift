import JSON
import Synchronization

/// What people do on the platform: each act becomes an update for the bot.
extension BotPlatform {
    struct Unknown: Error, CustomStringConvertible {
        var description: String
    }

    /// Adds a person, and the private chat with the bot. Known ids keep their name.
    func addPerson(_ id: Int64, _ name: String, isBot: Bool = false) {
        change { state, _ in Self.add(id, name, isBot, &state) }
    }

    private static func add(_ id: Int64, _ name: String, _ isBot: Bool, _ state: inout State) {
        guard state.people[id] == nil else { return }
        state.people[id] = ["id": .integer(id), "is_bot": .bool(isBot), "first_name": .string(name)]
        state.chats[id] = Chat(id: id, type: "private")
    }

    func addGroup(_ id: Int64, _ title: String, isForum: Bool = false) {
        change { state, _ in
            let type = id <= -1_000_000_000_000 ? "supergroup" : "group"
            var chat = Chat(id: id, type: type, title: title, isForum: isForum)
            // 1 is the topic "General".
            if isForum { chat.nextMessage = 2 }
            state.chats[id] = chat
        }
    }

    /// Opens a topic, as an admin does, and gives its thread.
    func addTopic(_ name: String, in chat: Int64) -> Int64 {
        change { state, _ in
            let thread = state.chats[chat]?.nextMessage ?? 1
            state.chats[chat]?.nextMessage = thread + 1
            state.chats[chat]?.topics[thread] = Topic(name: name)
            return thread
        }
    }

    /// A person writes: a text, or anything else in `content`.
    /// - Returns: the message's id.
    @discardableResult
    func say(
        _ text: String? = nil, from person: Int64, in chat: Int64? = nil, thread: Int64? = nil, replyTo: Int64? = nil,
        content: JSONObject = [:]
    ) -> Int64 {
        change { state, now in
            Self.add(person, "Person \(person)", false, &state)
            let chat = chat ?? person
            var message = Self.message(in: chat, &state, now)
            message["from"] = .object(state.people[person] ?? [:])
            if let thread {
                message["message_thread_id"] = .integer(thread)
                message["is_topic_message"] = true
            }
            if let replyTo, let answered = state.chats[chat]?.messages[replyTo] {
                message["reply_to_message"] = .object(answered)
            }
            if let text {
                message["text"] = .string(text)
                let entities = Self.entities(in: text)
                if !entities.isEmpty { message["entities"] = .array(entities) }
            }
            for member in content { message[member.key] = member.value }
            return Self.put(message, in: chat, &state, now)
        }
    }

    /// The server shows a message once more, under a new update id.
    func showAgain(_ number: Int64, in chat: Int64) {
        change { state, now in
            guard let message = state.chats[chat]?.messages[number] else { return }
            Self.add("message", .object(message), &state, now)
        }
    }

    /// A person sends a file, as the kinds of message that carry one.
    @discardableResult
    func sendFile(
        _ bytes: [UInt8], name: String, as kind: String = "document", type: String? = nil, size: Int64? = nil,
        caption: String? = nil, from person: Int64, in chat: Int64? = nil, group: String? = nil
    ) -> Int64 {
        let shown = change { state, _ in
            let id = Self.store(bytes, name: name, type: type, kind: kind, size: size, &state)
            return Self.show(id, as: kind, state)
        }
        var content: JSONObject = [kind: shown]
        if let caption { content["caption"] = .string(caption) }
        if let group { content["media_group_id"] = .string(group) }
        return say(from: person, in: chat, content: content)
    }

    /// A person changes a text.
    func edit(_ number: Int64, in chat: Int64, to text: String) throws(Unknown) {
        try change { state, now throws(Unknown) in
            guard var message = state.chats[chat]?.messages[number] else { throw Unknown(description: "no message") }
            message["text"] = .string(text)
            message["edit_date"] = .integer(now / 1000)
            state.chats[chat]?.messages[number] = message
            Self.add("edited_message", .object(message), &state, now)
        }
    }

    /// A person presses a button of a message.
    /// - Parameter button: its label or its data.
    /// - Returns: the query's id.
    @discardableResult
    func press(_ button: String, on number: Int64, in chat: Int64, from person: Int64) throws(Unknown) -> String {
        try change { state, now throws(Unknown) in
            Self.add(person, "Person \(person)", false, &state)
            guard let message = state.chats[chat]?.messages[number] else { throw Unknown(description: "no message") }
            let rows = message["reply_markup"]?["inline_keyboard"]?.arrayValue ?? []
            let keys = rows.flatMap { $0.arrayValue ?? [] }
            guard
                let key = keys.first(where: { $0["text"] == .string(button) || $0["callback_data"] == .string(button) })
            else { throw Unknown(description: "no button \(button)") }
            state.lastNumber += 1
            let id = "\(4_000_000_000 + state.lastNumber)"
            state.taps[id] = Tap(time: now)
            let query: JSONValue = [
                "id": .string(id), "from": .object(state.people[person] ?? [:]), "message": .object(message),
                "chat_instance": "1", "data": key["callback_data"] ?? "",
            ]
            Self.add("callback_query", query, &state, now, life: 150_000)
            return id
        }
    }

    /// A person reacts to a message.
    func react(_ emoji: String?, to number: Int64, in chat: Int64, from person: Int64) {
        change { state, now in
            let new: [JSONValue] = emoji.map { [["type": "emoji", "emoji": .string($0)]] } ?? []
            let change: JSONValue = [
                "chat": state.chats[chat]?.json ?? nil, "message_id": .integer(number),
                "user": .object(state.people[person] ?? [:]), "date": .integer(now / 1000), "old_reaction": [],
                "new_reaction": .array(new),
            ]
            Self.add("message_reaction", change, &state, now)
        }
    }

    /// A group becomes a supergroup: the old id is dead, message ids begin anew.
    func migrate(_ chat: Int64, to target: Int64) {
        change { state, now in
            guard var moved = state.chats[chat] else { return }
            let before = moved.json
            moved.id = target
            moved.type = "supergroup"
            moved.nextMessage = 1
            moved.messages = [:]
            moved.own = []
            state.chats[target] = moved
            var last = Self.message(in: chat, &state, now)
            last["migrate_to_chat_id"] = .integer(target)
            last["from"] = .object(state.bot)
            _ = Self.put(last, in: chat, &state, now)
            state.chats[chat]?.migratedTo = target
            var first = Self.message(in: target, &state, now)
            first["migrate_from_chat_id"] = before["id"]
            first["from"] = .object(state.bot)
            _ = Self.put(first, in: target, &state, now)
        }
    }

    /// Any update, as it is.
    func update(_ kind: String, _ object: JSONValue) { change { state, now in Self.add(kind, object, &state, now) } }

    func forecast(_ forecast: Forecast) { change { state, _ in state.forecasts.add(forecast) } }

    /// Fair weather from now on.
    func clearUp() { change { state, _ in state.forecasts.lift() } }

    func revoke() { change { state, _ in state.isRevoked = true } }

    // MARK: Looking

    /// What the bot wrote in a chat, in order.
    func shown(in chat: Int64) -> [JSONValue] {
        state.withLock { state in
            guard let chat = state.chats[chat] else { return [] }
            return chat.own.sorted().compactMap { chat.messages[$0].map(JSONValue.object) }
        }
    }

    /// The id that the next update will have: what is committed below it, is read.
    var nextUpdate: Int64 { state.withLock { $0.queue.nextID } }
    var commits: [UpdateQueue.Commit] { state.withLock { $0.queue.commits } }
    var waiting: Int { state.withLock { $0.queue.count } }

    func calls(_ method: String) -> [Call] { state.withLock { $0.calls.filter { $0.method == method.lowercased() } } }

    func tapAnswer(_ id: String) -> String? { state.withLock { $0.taps[id]?.answer } }

    // MARK: Small things

    private static func message(in chat: Int64, _ state: inout State, _ now: Int64) -> JSONObject {
        let number = state.chats[chat]?.nextMessage ?? 1
        return [
            "message_id": .integer(number), "date": .integer(now / 1000), "chat": state.chats[chat]?.json ?? nil,
        ]
    }

    private static func put(_ message: JSONObject, in chat: Int64, _ state: inout State, _ now: Int64) -> Int64 {
        let number = message["message_id"]?.integerValue ?? 0
        state.chats[chat]?.messages[number] = message
        state.chats[chat]?.nextMessage = number + 1
        add("message", .object(message), &state, now)
        return number
    }

    private static func add(
        _ kind: String, _ object: JSONValue, _ state: inout State, _ now: Int64, life: Int64 = UpdateQueue.day
    ) {
        // What was not asked for is not queued; reactions and members are only for those who ask.
        let asked = state.allowed?.contains(kind) ?? !["message_reaction", "chat_member"].contains(kind)
        if asked { state.queue.add(kind, object, now: now, life: life) }
    }

    /// Mentions and commands, which the server finds by itself.
    private static func entities(in text: String) -> [JSONValue] {
        var found: [JSONValue] = []
        let units = Array(text.utf16)
        var index = 0
        while index < units.count {
            let isStart = index == 0 || units[index - 1] == 0x20 || units[index - 1] == 0x0A
            guard isStart, units[index] == 0x40 || units[index] == 0x2F else {
                index += 1
                continue
            }
            var end = index + 1
            while end < units.count, isWord(units[end]) || (units[index] == 0x2F && units[end] == 0x40) { end += 1 }
            if end - index > 1 {
                found.append([
                    "type": units[index] == 0x40 ? "mention" : "bot_command", "offset": .integer(Int64(index)),
                    "length": .integer(Int64(end - index)),
                ])
            }
            index = end
        }
        return found
    }

    private static func isWord(_ unit: UInt16) -> Bool {
        (0x30...0x39).contains(unit) || (0x41...0x5A).contains(unit) || (0x61...0x7A).contains(unit) || unit == 0x5F
    }
}
