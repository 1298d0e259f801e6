/// A command that a person writes in a chat. What only looks like one is text for a session.
enum ChatCommand: Hashable {
    case help, status, sessions, whereAmI, inbox, why, stop
    case use(String)
    case start(String?)

    /// `/use api`, `/use@bot api`; after a mention also `@bot /use api`.
    init?(_ text: String, mentionsUs: Bool = false) {
        var words = text.split(maxSplits: 3, omittingEmptySubsequences: true) { $0.isWhitespace }[...]
        if mentionsUs, words.count > 1, words.first?.first != "/" { words = words.dropFirst() }
        guard let first = words.first, first.first == "/", words.count <= 2 else { return nil }
        // A phone writes the first letter of a line large.
        let name = first.dropFirst().prefix { $0 != "@" }.lowercased()
        let argument = words.count == 2 ? words.last.map(String.init) : nil
        switch (name, argument) {
        case ("help", nil), ("start", nil): self = .help
        case ("status", nil): self = .status
        case ("sessions", nil), ("use", nil): self = .sessions
        case ("where", nil): self = .whereAmI
        case ("inbox", nil): self = .inbox
        case ("why", nil): self = .why
        case ("stop", nil): self = .stop
        case ("new", _): self = .start(nil)
        case ("use", let label?): self = .use(label)
        case ("start", let label?): self = .start(label)
        default: return nil
        }
    }

    /// As the administrator's policy names it.
    var name: String {
        switch self {
        case .help: "/help"
        case .status: "/status"
        case .sessions: "/sessions"
        case .whereAmI: "/where"
        case .inbox: "/inbox"
        case .why: "/why"
        case .stop: "/stop"
        case .use: "/use"
        case .start(nil): "/new"
        case .start: "/start"
        }
    }

    static let overview = """
        /status: what runs and what waits
        /sessions: the sessions you may choose from
        /use NAME: this conversation goes to that session
        /where: the session this conversation goes to
        /inbox: what waits here
        /stop: ends the turn that runs (approvers)
        /why: as an answer to a message, what became of it (approvers)
        @NAME text: one message to another session
        """
}
