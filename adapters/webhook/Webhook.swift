import AdapterKit

/// HTTP in, server-sent events out: what `curl`, a CI job or a monitoring system needs to reach a session.
@main struct Webhook: Adapter {
    static let description = AdapterDescription(
        kind: "webhook", summary: "messages by HTTP POST, replies as server-sent events",
        version: SwitchboardVersion.current,
        abilities: Abilities(verbs: ["send"], features: ["fetch"]),
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
    private let ledger: HookLedger
    private let originals: HookOriginals

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
        ledger = HookLedger(connection)
        originals = HookOriginals(
            folder: "\(connection.places.state)/originals/\(connection.source.text)", days: settings.originals.days,
            limit: settings.originals.bytes, log: connection.log)
        server = HookServer(
            connection: connection, settings: settings, gate: gate, replies: replies, ledger: ledger,
            originals: originals)
    }

    func run() async throws {
        do throws(HomeError) {
            try originals.open()
        } catch {
            let mend = "mend the folder's owner and mode, or set originals: { days: 0 }"
            throw AdapterFailure(AdapterProblem(path: "originals", code: "folder", message: error.message, mend: mend))
        }
        try await server.run()
    }

    func execute(_ command: PlatformCommand) async -> SendOutcome {
        guard let name = HookName(command.chat) else { return .rejected(reason: "there is no hook of this name") }
        guard let text = command.arguments["text"]?.stringValue, !text.isEmpty else {
            return .rejected(reason: "a reply needs a text")
        }
        guard let (route, url) = callback(for: command, in: name) else {
            return await replies.send(text, replyTo: command.replyTo, to: name)
        }
        // Who listens or waits hears it at once, and only once: the tries after the first are the callback's alone.
        let heard = command.attempt > 1 ? nil : await replies.send(text, replyTo: command.replyTo, to: name)
        if url == nil, let heard, case .sent = heard { return heard }
        guard let url else { return .rejected(reason: "what the request named is no address") }
        return await call(back: url, route, text, command)
    }

    func fetch(_ attachment: AttachmentRequest) async throws(FetchFailure) -> AttachmentContent {
        guard let path = originals.path(of: attachment.id) else {
            throw FetchFailure(.gone, "this request is not kept any more")
        }
        return .file(path: path)
    }

    /// The route whose answers are posted somewhere, and where: what the request named goes before the configuration.
    private func callback(for command: PlatformCommand, in chat: HookName) -> (HookRoute, CallbackURL?)? {
        let routes = (settings.routes ?? [:]).values.filter { $0.chat == chat && $0.callback != nil }
        // An event's id begins with its route's name, in which there is no colon.
        let own = command.replyTo.flatMap { id in routes.first { id.hasPrefix($0.name.text + ":") } }
        guard let route = own ?? routes.min(by: { $0.name.text < $1.name.text }), let rule = route.callback else {
            return nil
        }
        if rule.takesRequests, let asked = command.replyTo.flatMap({ ledger.record.callback(for: $0) }) {
            return (route, CallbackURL(asked))
        }
        return rule.url.map { (route, $0) }
    }

    private func call(back url: CallbackURL, _ route: HookRoute, _ text: String, _ command: PlatformCommand) async
        -> SendOutcome
    {
        guard let rule = route.callback else { return .rejected(reason: "the route calls nobody back") }
        let now = SystemClock.milliseconds
        let id = HookCallback.id(of: command.work, source: connection.source.text)
        let body = HookCallback.body(text, route: route.name.text, event: command.replyTo, now: now)
        let sender = CallbackSender()
        let outcome = await sender.post(
            body, headers: rule.headers(for: body, id: id, now: now / 1000), to: url, allowsPrivate: rule.allowsPrivate)
        return sender.outcome(of: outcome, attempt: command.attempt, id: id)
    }
}
