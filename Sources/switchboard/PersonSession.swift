import BusProtocol
import ChannelEvents
import JSON

/// A session with a person instead of Claude: what a terminal shows of deliveries and answers, and what it does with
/// the lines that are typed. No I/O: ``AttachCommand`` is the terminal around it.
struct PersonSession {
    enum Action: Equatable {
        case show(String)
        case call(Call)
        case end
    }

    /// Conversations in the order in which they were heard first; a person answers by number. Past the limit the oldest
    /// number is given up: it is not needed again, a chat's name always is understood.
    private(set) var chats: [String] = []
    private static let limit = 200
    /// The conversation that a line without an address answers.
    private(set) var current: String?
    /// Replies whose outcome is not known yet, by the call's id.
    private(set) var open: [String: String] = [:]
    private let makeID: () -> String

    init(makeID: @escaping () -> String) { self.makeID = makeID }

    static let help = """
        A line answers the last message. `:2 text` answers chat 2, `:source:chat text` that chat.
        `:chats` lists the chats, `:help` shows this, `:quit` or Ctrl-D ends; Switchboard keeps what comes then.
        """

    mutating func show(_ delivery: Delivery) -> String {
        let head = delivery.head
        let chat = Conversation(source: delivery.source, chat: head.chat, thread: head.thread).description
        let body: JSONValue
        do { body = try JSONValue(parsing: delivery.body) } catch { body = [:] }
        current = chat
        let who = body["user"]?.stringValue ?? head.sender
        let time = Timestamp.text(milliseconds: head.time).dropFirst(11).prefix(5)
        var marks = ""
        if head.kind != .message { marks += " \(head.kind.rawValue)" }
        if delivery.redelivery > 0 { marks += " again" }
        let files = body["attachments"]?.arrayValue?.count ?? 0
        if files > 0 { marks += " +\(files) file\(files == 1 ? "" : "s")" }
        let title = Terminal.plain("[\(number(of: chat))] \(chat) \(time) \(who)\(marks)")
        let text = body["text"]?.stringValue ?? "(no text)"
        return title + "\n"
            + text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
                "    " + Terminal.plain(String(line))
            }.joined(separator: "\n")
    }

    private mutating func number(of chat: String) -> Int {
        if let index = chats.firstIndex(of: chat) { return index + 1 }
        if chats.count == Self.limit { chats.removeFirst() }
        chats.append(chat)
        return chats.count
    }

    /// What a typed line does.
    mutating func take(_ line: String) -> Action {
        guard line.hasPrefix(":") else { return line.isEmpty ? .show("") : reply(line, to: current) }
        let parts = line.dropFirst().split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
        let word = parts.first.map(String.init) ?? ""
        let text = parts.count == 2 ? String(parts[1]) : ""
        switch word {
        case "quit", "q": return .end
        case "help", "": return .show(Self.help)
        case "chats":
            let list = chats.enumerated().map { "[\($0 + 1)] \($1)" }
            return .show(list.isEmpty ? "no chat yet" : list.joined(separator: "\n"))
        default: break
        }
        if let number = Int(word) {
            guard chats.indices.contains(number - 1) else {
                return .show("there is no chat \(number): `:chats` lists them")
            }
            return reply(text, to: chats[number - 1])
        }
        guard Conversation(word) != nil else { return .show("there is no `:\(Terminal.plain(word))`\n\(Self.help)") }
        return reply(text, to: word)
    }

    private mutating func reply(_ text: String, to chat: String?) -> Action {
        guard let chat else { return .show("nobody has written yet; name a chat: `:source:chat text`") }
        guard !text.isEmpty else { return .show("say what to answer: `:\(chat) text`") }
        let id = makeID()
        open[id] = chat
        return .call(Call(id: id, name: "reply", arguments: ["chat_id": .string(chat), "text": .string(text)]))
    }

    /// What the router says of a reply.
    mutating func noteAnswer(_ id: String, _ outcome: Answer.Outcome) -> String? {
        guard let chat = open.removeValue(forKey: id) else { return nil }
        switch outcome {
        case .success(let value):
            return Terminal.plain(
                "    → \(chat): \(value["message"]?.stringValue ?? value["status"]?.stringValue ?? "sent")")
        case .failure(_, let message): return Terminal.plain("    → \(chat): \(message)")
        }
    }
}
