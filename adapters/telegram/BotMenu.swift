import AdapterKit

/// The chat commands that the router handles, as the platform's menu shows them.
enum BotMenu {
    static let commands: [(name: String, summary: String)] = [
        ("help", "what can be said here"),
        ("status", "what runs and what waits"),
        ("sessions", "the Claude sessions"),
        ("use", "NAME: talk to this session from now on"),
        ("where", "which session this chat talks to"),
        ("inbox", "what waits for an answer"),
        ("why", "what became of a message"),
        ("stop", "interrupt what the session does"),
        ("start", "NAME: start a session"),
        ("new", "begin anew in this session"),
    ]

    static var json: JSONValue {
        .array(commands.map { ["command": .string($0.name), "description": .string($0.summary)] })
    }
}
