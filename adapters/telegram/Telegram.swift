import AdapterKit

/// One bot: its updates become events, commands become messages.
@main struct Telegram: Adapter {
    static let description = AdapterDescription(
        kind: "telegram", summary: "a Telegram bot", version: SwitchboardVersion.current,
        abilities: Abilities(
            verbs: ["send", "edit", "react", "typing", "respond", "topic", "close"],
            features: ["buttons", "threads", "topics", "direct-by-id"],
            textLimit: Int64(CommandExecutor.textLimit)),
        settings: TelegramSettings.shape,
        questions: [
            SetupQuestion(
                key: "token", prompt: "The bot's token?",
                explanation: "Write /newbot to @BotFather in Telegram; it answers with a token.",
                secret: "TELEGRAM_TOKEN")
        ])

    private let connection: AdapterConnection
    private let server: BotServer
    private let executor: CommandExecutor

    static func check(_ settings: JSONValue, secrets: SecretResolver) async -> [AdapterProblem] {
        let parsed: TelegramSettings
        do throws(AdapterFailure) {
            parsed = try TelegramSettings(settings, secrets: secrets, section: description.kind)
        } catch {
            return error.problems
        }
        do throws(CallFailure) {
            _ = try await bot(BotServer(parsed))
            return []
        } catch {
            return [
                UpdatePoller.mend(error)
                    ?? AdapterProblem(
                        path: "api_base", code: "unreachable", message: "the server did not answer: \(error.reason)",
                        mend: "look at the network and at api_base, then check again")
            ]
        }
    }

    init(_ connection: AdapterConnection) throws {
        self.connection = connection
        server = BotServer(
            try TelegramSettings(connection.settings, secrets: connection.secrets, section: connection.source.text))
        executor = CommandExecutor(server: server)
    }

    func run() async throws {
        defer { executor.stop() }
        var weather = Weather(report: { [connection] in connection.report($0, reason: $1) })
        while !Task.isCancelled {
            let bot: UpdateReader.Bot
            do throws(CallFailure) {
                bot = try await Self.bot(server)
            } catch {
                if let problem = UpdatePoller.mend(error) { throw AdapterFailure(problem) }
                guard await UpdatePoller.rest(weather.failed(error)) else { return }
                continue
            }
            return try await UpdatePoller(connection: connection, server: server, reader: UpdateReader(bot: bot)).run()
        }
    }

    func execute(_ command: PlatformCommand) async -> SendOutcome { await executor.execute(command) }

    private static func bot(_ server: BotServer) async throws(CallFailure) -> UpdateReader.Bot {
        let me = try await server.call("getMe")
        guard let id = me["id"]?.integerValue, let username = me["username"]?.stringValue else {
            throw CallFailure(cause: .uncertain, reason: "the server answered getMe without an id and a username")
        }
        return UpdateReader.Bot(id: id, username: username)
    }
}
