import AdapterKit

/// Makes events of the platform's updates. Pure; whatever stands in an update, it never fails.
struct UpdateReader: Sendable {
    /// Who we are, as `getMe` says.
    struct Bot: Hashable, Sendable {
        var id: Int64
        var username: String
    }

    let bot: Bot

    /// What is asked of the server, always in full: it remembers an earlier list.
    static let kinds = [
        "message", "edited_message", "channel_post", "edited_channel_post", "callback_query", "message_reaction",
        "my_chat_member", "chat_member",
    ]

    /// - Parameter now: in milliseconds since 1970, for what the platform gives no time.
    /// - Parameter journal: what was read before; grows by this update.
    /// - Returns: `nil` for an update that is no event for us.
    func event(_ update: JSONValue, now: Int64, _ journal: inout ReadingJournal) -> Event? {
        guard var event = event(of: update, now: now, &journal) else { return nil }
        event.head.chat = journal.moves.id(of: event.head.chat)
        // What the server never says; the router would refuse it by its place.
        return event.head.invalidMember == nil ? event : nil
    }

    private func event(of update: JSONValue, now: Int64, _ journal: inout ReadingJournal) -> Event? {
        for kind in ["message", "channel_post"] {
            if let message = update[kind] {
                learnMove(message, &journal)
                return self.message(message)
            }
        }
        for kind in ["edited_message", "edited_channel_post"] {
            if let message = update[kind] { return edit(message, &journal) }
        }
        if let query = update["callback_query"] { return tap(query, now: now) }
        if let change = update["message_reaction"] { return reaction(change) }
        if let change = update["my_chat_member"] ?? update["chat_member"] { return membership(change) }
        return nil
    }

    private func learnMove(_ message: JSONValue, _ journal: inout ReadingJournal) {
        guard let chat = message["chat"]?["id"]?.integerValue else { return }
        if let new = message["migrate_to_chat_id"]?.integerValue {
            journal.moves.add(old: String(chat), new: String(new))
        } else if let old = message["migrate_from_chat_id"]?.integerValue {
            journal.moves.add(old: String(old), new: String(chat))
        }
    }

    // MARK: Messages

    private func edit(_ message: JSONValue, _ journal: inout ReadingJournal) -> Event? {
        guard var event = self.message(message) else { return nil }
        let second = message["edit_date"]?.integerValue ?? message["date"]?.integerValue ?? 0
        event.head.id = journal.editID(of: event.head.id, second: second)
        event.head.kind = .edit
        event.head.time = Self.time(second)
        return event
    }

    private func message(_ message: JSONValue) -> Event? {
        guard let place = Place(message), let number = message["message_id"]?.integerValue, let sender = sender(message)
        else { return nil }
        let answered = message["reply_to_message"].flatMap { Self.isOpening($0) ? nil : $0 }
        var flags = place.flags
        if sender.isProgram { flags.insert(.bot) }
        if message["forward_origin"] != nil { flags.insert(.forwarded) }
        if addressesUs(message) || answered?["from"]?["id"]?.integerValue == bot.id { flags.insert(.mention) }
        let head = EventHead(
            id: place.id(of: number), chat: place.chat, thread: place.thread, sender: String(sender.id),
            kind: Self.isMembership(message) ? .membership : .message, flags: flags,
            group: message["media_group_id"]?.stringValue.flatMap { $0.utf8.count <= 64 ? $0 : nil },
            replyTo: answered?["message_id"]?.integerValue.map(place.id(of:)),
            time: Self.time(message["date"]?.integerValue ?? 0))
        return Event(
            head: head,
            body: EventBody(
                text: MessageText.read(message), user: sender.name, chatTitle: place.title,
                attachments: MessageText.attachments(message)))
    }

    /// The service message that opens a topic stands as the answered one in all messages of the topic.
    private static func isOpening(_ message: JSONValue) -> Bool { message["forum_topic_created"] != nil }

    private static func isMembership(_ message: JSONValue) -> Bool {
        ["new_chat_members", "left_chat_member", "migrate_to_chat_id", "migrate_from_chat_id"]
            .contains { message[$0] != nil }
    }

    private func addressesUs(_ message: JSONValue) -> Bool {
        let (text, key) = message["text"] != nil ? ("text", "entities") : ("caption", "caption_entities")
        guard let text = message[text]?.stringValue, let entities = message[key]?.arrayValue else { return false }
        return entities.contains { entity in
            let type = entity["type"]?.stringValue
            if type == "text_mention" { return entity["user"]?["id"]?.integerValue == bot.id }
            guard type == "mention" || type == "bot_command", let offset = entity["offset"]?.integerValue,
                let length = entity["length"]?.integerValue,
                let slice = UTF16Text.slice(text, offset: offset, length: length)?.lowercased()
            else { return false }
            let name = "@\(bot.username.lowercased())"
            return type == "mention" ? slice == name : slice.hasSuffix(name)
        }
    }

    // MARK: Others

    private func tap(_ query: JSONValue, now: Int64) -> Event? {
        guard let id = query["id"]?.stringValue, let sender = sender(query), let message = query["message"],
            let place = Place(message), let number = message["message_id"]?.integerValue
        else { return nil }
        let action = query["data"]?.stringValue
        let head = EventHead(
            id: "callback/\(id)", chat: place.chat, thread: place.thread, sender: String(sender.id), kind: .callback,
            flags: place.flags, replyTo: place.id(of: number), action: action,
            // The platform does not say when a button was pressed; the message's own time would make it look old.
            time: now)
        return Event(head: head, body: EventBody(text: "", user: sender.name, chatTitle: place.title))
    }

    private func reaction(_ change: JSONValue) -> Event? {
        guard let place = Place(change), let number = change["message_id"]?.integerValue,
            let sender = sender(change, chatKey: "actor_chat", userKey: "user")
        else { return nil }
        let date = change["date"]?.integerValue ?? 0
        let shown = (change["new_reaction"]?.arrayValue ?? []).map { $0["emoji"]?.stringValue ?? "[custom emoji]" }
        let head = EventHead(
            id: "\(place.chat)/\(number)/reaction/\(sender.id)/\(date)", chat: place.chat, sender: String(sender.id),
            kind: .reaction, flags: place.flags, replyTo: place.id(of: number), time: Self.time(date))
        return Event(
            head: head, body: EventBody(text: shown.joined(separator: " "), user: sender.name, chatTitle: place.title))
    }

    private func membership(_ change: JSONValue) -> Event? {
        guard let place = Place(change), let sender = sender(change),
            let member = change["new_chat_member"]?["user"]?["id"]?.integerValue
        else { return nil }
        let date = change["date"]?.integerValue ?? 0
        let before = change["old_chat_member"]?["status"]?.stringValue ?? "unknown"
        let after = change["new_chat_member"]?["status"]?.stringValue ?? "unknown"
        let head = EventHead(
            id: "\(place.chat)/member/\(member)/\(date)/\(String(after.prefix(32)))", chat: place.chat,
            sender: String(sender.id),
            kind: .membership, flags: place.flags, time: Self.time(date))
        let who = member == bot.id ? "this bot" : "user \(member)"
        return Event(
            head: head,
            body: EventBody(text: "[\(who): \(before) to \(after)]", user: sender.name, chatTitle: place.title))
    }

    // MARK: Who and where

    private struct Sender {
        var id: Int64
        var name: String?
        var isProgram: Bool
    }

    /// Where a chat speaks for somebody (an anonymous admin, a channel), `from` is a stand-in: the chat is the sender.
    private func sender(_ object: JSONValue, chatKey: String = "sender_chat", userKey: String = "from") -> Sender? {
        if let chat = object[chatKey], let id = chat["id"]?.integerValue {
            return Sender(id: id, name: chat["title"]?.stringValue, isProgram: false)
        }
        if let user = object[userKey], let id = user["id"]?.integerValue {
            let name = [user["first_name"]?.stringValue, user["last_name"]?.stringValue].compactMap { $0 }
            return Sender(id: id, name: name.joined(separator: " "), isProgram: user["is_bot"]?.boolValue ?? false)
        }
        guard let chat = object["chat"], chat["type"]?.stringValue == "channel", let id = chat["id"]?.integerValue
        else { return nil }
        return Sender(id: id, name: chat["title"]?.stringValue, isProgram: false)
    }

    private struct Place {
        var chat: String
        var thread: String?
        var title: String?
        var flags: EventFlags

        func id(of number: Int64) -> String { MessageID(chat: chat, number: number).text }

        init?(_ object: JSONValue) {
            guard let chat = object["chat"], let id = chat["id"]?.integerValue else { return nil }
            self.chat = String(id)
            title = chat["title"]?.stringValue
            flags = chat["type"]?.stringValue == "private" ? .direct : []
            // Plain answers carry a thread too; only a topic is one.
            if object["is_topic_message"]?.boolValue == true {
                thread = object["message_thread_id"]?.integerValue.map { String($0) }
            }
        }
    }

    private static func time(_ seconds: Int64) -> Int64 {
        min(max(seconds, 0), EventHead.times.upperBound / 1000) * 1000
    }
}
