import AdapterKit

/// A chat platform of which a test is the server: the real adapter process of `ScriptedPlatform` in SwitchboardTesting.
///
/// A home uses it with `adapters: { scripted: {} }`, and as often as it likes under other names:
/// `adapters: { left: { kind: scripted }, right: { kind: scripted } }`. The test makes a `ScriptedPlatform` for each
/// before `switchboard up`. From then on
/// - `platform.post(event)` happens on the platform: the adapter publishes it, again after a kill until it is committed;
///   `say`, `press` and `edit` make the usual ones;
/// - every command (`send`, `edit`, `react`, `typing`, `respond`, `topic`, `close`, and whatever verb comes later)
///   arrives in `platform.commands`; `platform.command { … }` waits for one that fits;
/// - `platform.answer { command in … }` decides what becomes of it: sent by default, with ids `m1`, `m2`, …;
/// - `platform.attach(bytes, …)` makes a file that events can name; `platform.giveFiles { … }` decides what becomes of it
///   when it is fetched;
/// - the bytes of a command's files are in `platform.files(of: key)`;
/// - `platform.shown("m1")` is what a person sees there after all edits;
/// - the abilities it is made with are the ones that the adapter declares: without `edit`, without `buttons`, …
@main struct ScriptedChat: Adapter {
    static var description: AdapterDescription {
        AdapterDescription(
            kind: "scripted", summary: "a chat that a test plays", version: "0.1.0",
            abilities: ScriptedLine.abilities())
    }

    private let connection: AdapterConnection
    private let line: ScriptedLine

    init(_ connection: AdapterConnection) throws {
        self.connection = connection
        line = ScriptedLine(path: ScriptedLine.path(connection.source.text, in: connection.places, "sock"))
    }

    func run() async throws {
        let read = connection.cursor?.integerValue ?? 0
        let posts = try line.open(source: connection.source.text, after: read)
        connection.report(.up)
        for await post in posts {
            _ = try await connection.publish([post.event], cursor: .integer(post.number))
            line.say(["committed": .integer(post.number)])
        }
        // The stream ends with the task, or because the test is gone: a platform that closed.
        if !Task.isCancelled { throw ScriptedLine.gone }
    }

    func execute(_ command: PlatformCommand) async -> SendOutcome { await line.execute(command, connection) }

    func fetch(_ attachment: AttachmentRequest) async throws(FetchFailure) -> AttachmentContent {
        try await line.fetch(attachment)
    }

    func history(_ request: HistoryRequest) async throws(FetchFailure) -> [Event] { try await line.history(request) }
}
