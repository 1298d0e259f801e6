import AdapterKit

/// HTTP in, server-sent events out: what `curl`, a CI job or a monitoring system needs to reach a session.
@main struct Webhook: Adapter {
    static let description = AdapterDescription(
        kind: "webhook", summary: "messages by HTTP POST, replies as server-sent events",
        version: SwitchboardVersion.current,
        abilities: Abilities(verbs: ["send"], features: []),
        settings: WebhookSettings.shape,
        questions: [
            SetupQuestion(
                key: "listen", prompt: "On which address should it listen?",
                explanation: "127.0.0.1 keeps it on this machine; any other address needs a secret on every route.",
                standard: .string(WebhookSettings.standardListen))
        ],
        hints: [
            "curl \(credential)-d 'build failed' {listen}/hooks/{routes|ci}",
            "curl \(credential)-N {listen}/hooks/{routes|ci}/replies      # what Claude answers",
        ])

    /// Where the system does not tell who holds a socket, everybody shows the home's token.
    private static let credential: String = {
        #if os(Linux)
            ""
        #else
            "-H \"Authorization: Bearer $(cat '{run}/{source}.token')\" "
        #endif
    }()

    private let connection: AdapterConnection
    private let settings: WebhookSettings
    private let server: HookServer
    private let replies: ReplyStreams

    static func check(_ settings: JSONValue, secrets: SecretResolver) async -> [AdapterProblem] {
        let section = description.kind
        do throws(AdapterFailure) {
            let parsed = try WebhookSettings(settings, secrets: secrets, section: section)
            return PortCheck.problem(parsed.listen, section: section, kind: description.kind).map { [$0] } ?? []
        } catch {
            return error.problems
        }
    }

    init(_ connection: AdapterConnection) throws {
        self.connection = connection
        settings = try WebhookSettings(
            connection.settings, secrets: connection.secrets, section: connection.source.text)
        let token: String
        do throws(HomeError) {
            token = try PrivateToken.load("\(connection.places.run)/\(connection.source.text).token")
        } catch {
            let mend = "mend the file's owner and mode, or remove it"
            throw AdapterFailure(AdapterProblem(path: "", code: "token", message: error.message, mend: mend))
        }
        let gate = HookGate(routes: settings.routes, homeToken: token, ownUser: SystemPeerIdentity.ownUser)
        replies = ReplyStreams { [connection] chats in connection.report(.up, reason: nil, resumed: chats) }
        server = HookServer(connection: connection, listen: settings.listen, gate: gate, replies: replies)
    }

    func run() async throws { try await server.run() }

    func execute(_ command: PlatformCommand) async -> SendOutcome {
        guard let name = HookName(command.chat) else { return .rejected(reason: "there is no hook of this name") }
        guard let text = command.arguments["text"]?.stringValue, !text.isEmpty else {
            return .rejected(reason: "a reply needs a text")
        }
        return await replies.send(text, replyTo: command.replyTo, to: name)
    }
}
