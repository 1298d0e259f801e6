import AdapterKit

/// The chat commands that the router handles, as the platform's menu shows them.
enum BotMenu {
    static let commands: [(name: String, summary: String)] = [
        ("help", "what can be said here"),
        ("status", "what runs and what waits"),
        ("sessions", "the sessions you may choose from"),
        ("use", "NAME: this conversation goes to that session"),
        ("where", "the session this conversation goes to"),
        ("inbox", "what waits here"),
        ("stop", "ends the turn that runs"),
        ("why", "as an answer to a message: what became of it"),
    ]

    static var json: JSONValue {
        .array(commands.map { ["command": .string($0.name), "description": .string($0.summary)] })
    }
}
