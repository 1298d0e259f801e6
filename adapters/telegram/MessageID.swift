/// Names one message for the router: the chat's id with the server and the message's number, `42/88`. Numbers alone are
/// unique only within their chat, and begin anew when a group becomes a supergroup.
struct MessageID: Hashable, Sendable {
    var chat: String?
    var number: Int64

    init(chat: String, number: Int64) {
        self.chat = chat
        self.number = number
    }

    /// Takes a bare number too, and the id of an edit for the message it changed.
    init?(_ text: String?) {
        guard let text else { return nil }
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        if parts.count == 1, let number = Int64(parts[0]) {
            self.number = number
        } else if parts.count >= 2, Int64(parts[0]) != nil, let number = Int64(parts[1]) {
            chat = String(parts[0])
            self.number = number
        } else {
            return nil
        }
    }

    var text: String { chat.map { "\($0)/\(number)" } ?? String(number) }

    /// The number, where the message is in this chat of the server's.
    func number(in platformID: String) -> Int64? { chat == nil || chat == platformID ? number : nil }
}
