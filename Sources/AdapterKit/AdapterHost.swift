import BusProtocol
import ChannelEvents
import JSON
import Logging
import MessageBus
import OperatingHome

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Runs one adapter on one line to the router, from the first WELCOME to the end of the process.
final class AdapterHost<Author: Adapter>: Sendable {
    /// How long a person's mend is waited for, and how long ends may take.
    struct Patience: Sendable {
        /// The wait after an ``AdapterFailure``, doubled up to ``longestRetry``.
        var firstRetry = Duration.seconds(5)
        var longestRetry = Duration.seconds(60)
        /// For ``Adapter/run()`` to return once its task is cancelled.
        var runEnd = Duration.seconds(5)
        /// For commands under way to end.
        var commandsEnd = Duration.seconds(3)
    }

    private let source: SourceName
    private let places: Places
    private let secrets: SecretResolver
    private let log: Logger
    private let port: any BusPort
    private let patience: Patience
    private let publisher: Publisher
    private let commands: CommandRunner
    private let attachments: AttachmentServer
    private let loader: FileLoader
    private let standing = Latest(AdapterStanding())

    init(
        source: SourceName, places: Places, secrets: SecretResolver, log: Logger, port: any BusPort,
        patience: Patience = Patience(), limits: PublishQueue.Limits = PublishQueue.Limits()
    ) {
        self.source = source
        self.places = places
        self.secrets = secrets
        self.log = log
        self.port = port
        self.patience = patience
        publisher = Publisher(port: port, limits: limits)
        let description = Author.description
        commands = CommandRunner(port: port, abilities: description.abilities, lanes: description.lanes, log: log)
        let folder = "\(places.run)/files-\(source.text)"
        attachments = AttachmentServer(port: port, folder: folder, log: log)
        loader = FileLoader(port: port, folder: folder)
    }

    // MARK: The bus thread

    func handle(_ event: PeerEvent) {
        switch event {
        case .welcomed(let welcome):
            log.info("welcomed by the router", metadata: ["epoch": "\(welcome.epoch)", "router": "\(welcome.router)"])
            publisher.welcomed()
            loader.welcomed()
            standing.change { standing in
                standing.isWelcomed = true
                standing.welcome = welcome
            }
        case .lost(let code):
            log.notice("the router is away", metadata: ["code": "\(code)"])
            publisher.lost()
            standing.change { $0.isWelcomed = false }
        case .refused(let bye):
            publisher.lost()
            standing.change { standing in
                standing.isWelcomed = false
                standing.end = .refused(bye)
            }
        case .acknowledged(let sequence, let refused):
            publisher.acknowledged(sequence, refused: refused)
            commands.acknowledged()
        case .credit: publisher.credited()
        case .commanded(let command): commands.commanded(command)
        case .fetch(let fetch): attachments.asked(fetch)
        case .chunk(let chunk): loader.came(chunk)
        case .error(let refusal):
            log.warning(
                "the router refused a message", metadata: ["code": "\(refusal.code)", "command": "\(refusal.command)"])
        case .delivered, .verdict, .answered:
            log.warning("the router sent what is not for an adapter")
        }
    }

    /// Ends the adapter; ``run()`` returns. The first reason counts.
    func stop(because reason: String) {
        standing.change { if $0.end == nil { $0.end = .stop(reason) } }
    }

    // MARK: The life of the adapter

    /// Runs the adapter until the process is to end, and says why.
    func run() async -> AdapterExit {
        var runs = 0
        var retry = patience.firstRetry
        while true {
            guard let start = await standing.wait(until: { $0.end != nil || $0.isWelcomed }) else { return .stopped }
            if let end = start.end { return await finish(end) }
            runs += 1
            // Not before this process holds the source: the folder may be another's.
            if runs == 1 { removeLeftovers() }
            let settings = start.settings
            let ended = await runOnce(runs, start)
            if let end = standing.value.end { return await finish(end) }
            switch ended {
            case .cancelled: retry = patience.firstRetry
            case .returned: return await finish(.ended("the adapter ended by itself"))
            case .crashed(let error): return await finish(.ended("\(error)"))
            case .failed(let failure):
                commands.end(because: failure.problems.first?.message ?? "the adapter cannot work")
                log.error("the adapter cannot work", metadata: ["problem": "\(failure)"])
                sendHealth(Health(state: .failed, reason: String("\(failure)".prefix(400))))
                await waitForMend(settings, retry)
                retry = min(retry * 2, patience.longestRetry)
            }
        }
    }

    private enum Ended: Sendable {
        case returned
        case cancelled
        case failed(AdapterFailure)
        case crashed(any Error)
    }

    private func runOnce(_ run: Int, _ start: AdapterStanding) async -> Ended {
        let settings = start.settings
        let connection = AdapterConnection(
            source: source, settings: settings, cursor: publisher.committedCursor ?? start.welcome?.cursor,
            places: places, secrets: secrets, log: log, publisher: publisher, loader: loader, standing: standing,
            sendHealth: { [self] in sendHealth($0) })
        let task = Task { () -> Ended in
            defer { standing.change { $0.endedRun = max($0.endedRun, run) } }
            do {
                let problems = SettingShape.object(Author.description.settings).problems(in: settings)
                guard problems.isEmpty else { throw AdapterFailure(problems) }
                let author = try Author(connection)
                commands.begin { await author.execute($0) }
                attachments.begin { fetch async throws(FetchFailure) in
                    if let request = HistoryRequest(fetch) { return .history(try await author.history(request)) }
                    return try await author.fetch(AttachmentRequest(fetch))
                }
                try await author.run()
                return Task.isCancelled ? .cancelled : .returned
            } catch let failure as AdapterFailure {
                return .failed(failure)
            } catch {
                return Task.isCancelled ? .cancelled : .crashed(error)
            }
        }
        _ = await standing.wait { $0.end != nil || $0.settings != settings || $0.endedRun == run }
        if standing.value.endedRun == run { return await task.value }
        commands.end(because: "the adapter stops")
        attachments.end()
        task.cancel()
        let ended = await within(patience.runEnd) { _ = await self.standing.wait { $0.endedRun == run } }
        if !ended { log.warning("the adapter did not end in time") }
        return .cancelled
    }

    private func waitForMend(_ settings: JSONValue, _ time: Duration) async {
        _ = await within(time) { _ = await self.standing.wait { $0.end != nil || $0.settings != settings } }
    }

    private func finish(_ end: AdapterStanding.End) async -> AdapterExit {
        switch end {
        case .stop(let reason): return await finish(AdapterExit.Cause.stop(reason))
        case .refused(let bye): return await finish(AdapterExit.Cause.refused(bye))
        }
    }

    private func finish(_ cause: AdapterExit.Cause) async -> AdapterExit {
        commands.end(because: "the adapter stops")
        // What is under way on the platform is seen to its end: its outcome is worth the wait.
        switch cause {
        case .refused: break  // another process talks to the platform now
        case .stop, .ended:
            let ended = await within(patience.commandsEnd) { await self.commands.idle() }
            if !ended { log.warning("commands did not end in time") }
        }
        publisher.stop()
        return AdapterExit(cause)
    }

    /// What a process that was killed left of files under way.
    private func removeLeftovers() {
        do {
            let folder = "\(places.run)/files-\(source.text)"
            for name in try FolderListing.names(folder) { unlink("\(folder)/\(name)") }
        } catch {
            log.warning("leftovers of files cannot be removed", metadata: ["reason": "\(error)"])
        }
    }

    private func sendHealth(_ health: Health) {
        log.info("health", metadata: ["state": "\(health.state.rawValue)", "reason": "\(health.reason ?? "")"])
        port.report(health)
    }

    /// Whether a wait ended by itself within some time. The wait goes on when it does not; the process ends soon.
    private func within(_ limit: Duration, _ wait: @escaping @Sendable () async -> Void) async -> Bool {
        let ended = Latest<Bool?>(nil)
        let waiting = Task {
            await wait()
            ended.change { if $0 == nil { $0 = true } }
        }
        let timer = Task {
            do {
                try await Task.sleep(for: limit)
            } catch {
                return  // the wait ended first
            }
            ended.change { if $0 == nil { $0 = false } }
        }
        let result = await ended.wait { $0 != nil }
        timer.cancel()
        waiting.cancel()
        return (result ?? nil) ?? false
    }
}
