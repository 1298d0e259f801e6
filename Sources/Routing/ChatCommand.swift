/// A command that a person writes in a chat. What only looks like one is text for a session.
enum ChatCommand: Hashable {
    case help, status, sessions, whereAmI, inbox, why, stop, new
    case use(String)
    case start(String)

    /// `/use api`, `/use@bot api`.
    init?(_ text: String) {
        guard text.first == "/" else { return nil }
        let words = text.split(omittingEmptySubsequences: true) { $0.isWhitespace }
        guard let first = words.first, words.count <= 2 else { return nil }
        let name = first.dropFirst().prefix { $0 != "@" }
        let argument = words.count == 2 ? String(words[1]) : nil
        switch (name, argument) {
        case ("help", nil), ("start", nil): self = .help
        case ("status", nil): self = .status
        case ("sessions", nil), ("use", nil): self = .sessions
        case ("where", nil): self = .whereAmI
        case ("inbox", nil): self = .inbox
        case ("why", nil): self = .why
        case ("stop", nil): self = .stop
        case ("new", _): self = .new
        case ("use", let label?): self = .use(label)
        case ("start", let label?): self = .start(label)
        default: return nil
        }
    }

    static let overview = """
        /status: what runs and what waits
        /sessions: the sessions you may choose from
        /use NAME: this conversation goes to that session
        /where: the session this conversation goes to
        /inbox: what waits for it
        @NAME text: one message to another session
        """
}
