import AdapterKit

/// One bot: its updates become events, commands become messages.
@main struct Telegram: Adapter {
    static let description = AdapterDescription(
        kind: "telegram", summary: "a Telegram bot", version: SwitchboardVersion.current,
        abilities: Abilities(
            verbs: ["send", "edit", "react", "typing", "respond", "topic", "close"],
            features: ["buttons", "direct-by-id", "fetch", "files", "formatting", "threads", "topics"],
            textLimit: Int64(CommandExecutor.textLimit), spanLimit: Int64(EntityRenderer.entityLimit)),
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
    private let taps: TapAnswers
    private let moves = SharedMoves()
    private let transcriber: VoiceTranscriber?

    static func check(_ settings: JSONValue, secrets: SecretResolver) async -> [AdapterProblem] {
        let parsed: TelegramSettings
        do throws(AdapterFailure) {
            parsed = try TelegramSettings(settings, secrets: secrets, section: description.kind)
        } catch {
            return error.problems
        }
        let server = BotServer(parsed)
        let problem: AdapterProblem?
        do throws(CallFailure) {
            _ = try await bot(server)
            problem = nil
        } catch {
            problem =
                UpdatePoller.mend(error)
                ?? AdapterProblem(
                    path: "api_base", code: "unreachable", message: "the server did not answer: \(error.reason)",
                    mend: "look at the network, at api_base and at proxy, then check again")
        }
        await server.close()
        return problem.map { [$0] } ?? []
    }

    static func notes(_ settings: JSONValue, secrets: SecretResolver) async -> [String] {
        let parsed: TelegramSettings
        do throws(AdapterFailure) {
            parsed = try TelegramSettings(settings, secrets: secrets, section: description.kind)
        } catch {
            return []  // `check` has said so
        }
        let server = BotServer(parsed)
        var notes: [String] = []
        do throws(CallFailure) {
            let me = try await server.call("getMe")
            let name = me["username"]?.stringValue ?? ""
            notes.append("Write to your bot: https://t.me/\(name) answers with a code to pair with.")
            if me["can_read_all_group_messages"]?.boolValue == false {
                notes.append(
                    "In groups it sees mentions of @\(name), answers to it and commands. For more: /setprivacy in @BotFather, then add it to the group again."
                )
            }
            if try await server.call("getWebhookInfo")["url"]?.stringValue?.isEmpty == false {
                notes.append("The bot has a webhook of another program; the adapter removes it when it starts.")
            }
        } catch {
            // What a person need not know to go on.
        }
        await server.close()
        return notes
    }

    static func imports(_ environment: [String: String]) -> [SetupImport] {
        OfficialPlugin.find(environment).map { [$0] } ?? []
    }

    init(_ connection: AdapterConnection) throws {
        self.connection = connection
        let settings = try TelegramSettings(
            connection.settings, secrets: connection.secrets, section: connection.source.text)
        server = BotServer(settings)
        transcriber =
            settings.transcribe.isEmpty
            ? nil
            : VoiceTranscriber(
                command: settings.transcribe, reader: FileReader(server: server), folder: connection.places.run)
        taps = TapAnswers(server: server)
        executor = CommandExecutor(
            server: server, taps: taps, moves: moves,
            load: { file throws(FetchFailure) in try await connection.load(file) },
            whenIdle: { [server] in await server.close() })
    }

    func run() async throws {
        do {
            try await poll()
        } catch {
            await end()
            throw error
        }
        await end()
    }

    private func end() async {
        taps.stop()
        await executor.stop()
    }

    private func poll() async throws {
        var weather = Weather(report: { [connection] in connection.report($0, reason: $1) })
        while !Task.isCancelled {
            guard await connection.welcomed() else { return }
            let start = ContinuousClock.now
            let bot: UpdateReader.Bot
            do throws(CallFailure) {
                bot = try await Self.bot(server)
                try await prepare()
            } catch {
                if let problem = UpdatePoller.mend(error) { throw AdapterFailure(problem) }
                guard await UpdatePoller.rest(weather.failed(error, after: start.duration(to: .now))) else { return }
                continue
            }
            let poller = UpdatePoller(
                connection: connection, server: server, reader: UpdateReader(bot: bot), taps: taps, moves: moves,
                transcriber: transcriber)
            return try await poller.run()
        }
    }

    /// What the server must know before the first poll: no webhook, since updates go one way only, and the menu.
    private func prepare() async throws(CallFailure) {
        let webhook = try await server.call("getWebhookInfo")
        if webhook["url"]?.stringValue?.isEmpty == false {
            connection.log.notice("the bot's webhook is removed: its updates are polled from now on")
            _ = try await server.call("deleteWebhook")
        }
        do throws(CallFailure) {
            _ = try await server.call("setMyCommands", ["commands": BotMenu.json])
        } catch {
            // The commands work without the menu.
            connection.log.notice("the menu was not registered", metadata: ["reason": "\(error.reason)"])
        }
    }

    func fetch(_ attachment: AttachmentRequest) async throws(FetchFailure) -> AttachmentContent {
        try await FileReader(server: server).content(attachment.id, limit: attachment.limit)
    }

    func execute(_ command: PlatformCommand) async -> SendOutcome { await executor.execute(command) }

    private static func bot(_ server: any BotAPI) async throws(CallFailure) -> UpdateReader.Bot {
        let me = try await server.call("getMe")
        guard let id = me["id"]?.integerValue, let username = me["username"]?.stringValue else {
            throw CallFailure(cause: .uncertain, reason: "the server answered getMe without an id and a username")
        }
        return UpdateReader.Bot(id: id, username: username)
    }
}
