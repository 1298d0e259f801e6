import BusProtocol
import ChannelEvents
import JSON
public import Logging
public import MessageBus
public import MessageStore
import Synchronization

/// The router's one loop: take a batch, decide, commit once, then acknowledge and deliver.
///
/// ``run()`` occupies the thread it is called on until ``stop()``; that thread owns the sockets and the core. Reads that
/// may take long go to a ``ReaderThread``, whose answers come back through a queue.
public final class RouterLoop {
    /// What is fixed for the life of the process.
    public struct Environment: Sendable {
        public var keys: SourceKeys
        public var retention: RetentionPeriods
        public var shelf: FileShelf
        public var home: String
        public var pid: Int64
        public var clock: @Sendable () -> Moment
        /// Reads the configuration again; throws what is wrong with it, in words.
        public var reload: @Sendable () throws -> RouterSettings

        public init(
            keys: SourceKeys, retention: RetentionPeriods = RetentionPeriods(), shelf: FileShelf, home: String,
            pid: Int64,
            clock: @escaping @Sendable () -> Moment, reload: @escaping @Sendable () throws -> RouterSettings
        ) {
            self.keys = keys
            self.retention = retention
            self.shelf = shelf
            self.home = home
            self.pid = pid
            self.clock = clock
            self.reload = reload
        }
    }

    /// One turn takes at most so much, so that a commit stays short.
    static let turnEvents = 256
    static let turnBytes = 1 << 20

    private let listener: BusListener
    private let store: MessageStore
    private let environment: Environment
    private let logger: Logger
    private let reader: ReaderThread
    private let files: FileThread
    private let control: Control
    private var core: RouterCore
    private var health = StoreHealth()
    private let started: Moment
    /// Refusals since the last line about one: a peer that floods must not flood the log.
    private var unsaidRefusals = 0
    private var lastRefusalLine: Int64 = .min / 2

    /// - Throws: ``StoreError`` when the store cannot be read or the start not be noted in it.
    public init(
        listener: BusListener, store: MessageStore, settings: RouterSettings, environment: Environment, logger: Logger
    ) throws(StoreError) {
        self.listener = listener
        self.store = store
        self.environment = environment
        self.logger = logger
        let now = environment.clock()
        started = now
        let state = try store.turn { turn in
            var state = try turn.load()
            state.starts += 1
            try turn.setFact("starts", state.starts)
            return state
        }
        // An epoch is greater than all that an earlier router gave, and fits a JavaScript number.
        core = RouterCore(settings: settings, state: state, epoch: UInt64(state.starts) << 24, now: now)
        let control = Control(waker: listener.waker)
        self.control = control
        reader = ReaderThread(store: store, retention: environment.retention, clock: environment.clock) {
            control.deliver($0)
        }
        files = FileThread(
            shelf: environment.shelf, store: store, limits: settings.files, clock: environment.clock, logger: logger,
            control: control)
    }

    /// Ends ``run()``; may be called from any thread.
    public var stop: @Sendable () -> Void {
        let control = control
        return { control.stop() }
    }

    /// Reads the configuration again, as SIGHUP does; may be called from any thread.
    public var reload: @Sendable () -> Void {
        let control = control
        return { control.requestReload() }
    }

    public func run() throws(BusError) {
        try reader.start()
        defer { reader.stop() }
        try files.start()
        defer { files.stop() }
        while !control.isStopped {
            let now = environment.clock()
            // The clock's grain is a millisecond: one more, so that the deadline has passed when the wait ends.
            let wait = health.isFailed ? 250 : max(0, core.deadline(now: now) - now.uptime + 1)
            try listener.wait(milliseconds: Int(min(wait, 1_000)))
            let inbound = try listener.receive(events: Self.turnEvents, bytes: Self.turnBytes)
            turn(inbound)
        }
        core.sayGoodbye()
        send(core.endTurn(now: environment.clock()), environment.clock())
    }

    // MARK: A turn

    private func turn(_ inbound: [BusListener.Inbound]) {
        let now = environment.clock()
        // The log's debug lines are those of the tap.
        core.isTapWatched = listener.isTapWatched || logger.logLevel <= .debug
        for answer in control.takeAnswers() { core.finish(answer) }
        for report in control.takeReports() { core.finish(report, now: now) }
        say(control.takeSpeeches(), now)
        if control.takeReload() { reloadSettings(for: nil) }
        if health.isFailed, health.mayTryAgain(now) { recover(now) }
        guard !health.isFailed else { return turnWithoutStore(inbound, now) }
        do {
            send(
                try store.turn { turn in
                    try Turn.run(inbound, core: &core, store: &turn, keys: environment.keys, now: now)
                }, now)
        } catch {
            fail(error, now)
            turnWithoutStore(inbound, now)
        }
    }

    private func send(_ effects: Effects, _ now: Moment) {
        for outgoing in effects.messages {
            switch outgoing.message {
            case .bye(let bye): noteRefusal(bye.code, command: Command.hello.rawValue, of: outgoing.link, now)
            case .error(let refusal): noteRefusal(refusal.code, command: refusal.command, of: outgoing.link, now)
            default: break
            }
            switch listener.send(outgoing.message, to: outgoing.link) {
            case .sent: core.links.sent(to: outgoing.link, now: now.uptime)
            case .full:
                // It does not read: what it was sent is resent on a new link, so nothing is lost by dropping this one.
                core.counters.add("links.stalled")
                logger.warning(
                    "a peer does not read, its link is dropped", metadata: ["peer": "\(core.name(of: outgoing.link))"])
                core.drop(outgoing.link, now)
            case .gone: core.drop(outgoing.link, now)
            }
        }
        for line in effects.tap {
            listener.publishTap(topic: line.topic, line: line.line.bytes)
            if logger.logLevel <= .debug { logger.debug("\(line.topic)", metadata: line.metadata) }
        }
        for task in effects.files { files.enqueue(task) }
        for request in effects.reads { read(request) }
        if let asker = effects.reload { reloadSettings(for: asker) }
    }

    /// What the file thread has to say. To a peer that does not read, it is not said: whoever needs it asks again.
    private func say(_ speeches: [FileSpeech], _ now: Moment) {
        for speech in speeches {
            guard let epoch = core.links.accepted(from: speech.link)?.epoch else { continue }
            let message: RouterMessage =
                switch speech.word {
                case .fetch(let fetch): .fetch(epoch: epoch, fetch)
                case .chunk(let chunk): .chunk(epoch: epoch, chunk)
                }
            switch listener.send(message, to: speech.link) {
            case .sent: core.links.sent(to: speech.link, now: now.uptime)
            case .full: core.counters.add("files.unread")
            case .gone: core.drop(speech.link, now)
            }
        }
    }

    /// By name and without a word of the peer's; at most a line a second.
    private func noteRefusal(_ code: String, command: String, of link: LinkID, _ now: Moment) {
        guard code != ProtocolError.Code.shuttingDown.rawValue else { return }
        unsaidRefusals += 1
        guard now.uptime - lastRefusalLine >= 1_000 else { return }
        lastRefusalLine = now.uptime
        logger.notice(
            "refused",
            metadata: [
                "peer": "\(core.name(of: link))", "command": "\(command)", "code": "\(code)",
                "count": "\(unsaidRefusals)",
            ])
        unsaidRefusals = 0
    }

    private func read(_ request: ReadRequest) {
        var request = request
        if case .status(var members) = request.query {
            members["router"] = [
                "version": .string(core.settings.version), "pid": .integer(environment.pid),
                "home": .string(environment.home),
                "epoch": .integer(Int64(core.epoch)), "started_ms": .integer(started.wall),
            ]
            members["store"] = health.json
            members["bus"] = listener.counters.json
            request.query = .status(members)
        }
        guard reader.enqueue(request) else {
            core.finish(
                ReadAnswer(
                    asker: request.asker,
                    outcome: .failure(code: "busy", message: "too many reads are under way: try again in a moment")))
            return
        }
    }

    // MARK: When the store fails

    /// A failed commit: nothing of the turn was sent. The core's memory is thrown away; every peer will find a
    /// stranger, say HELLO, and resend what was not acknowledged.
    private func fail(_ error: StoreError, _ now: Moment) {
        health.fail(error, now)
        logger.error(
            "the store failed, intake stops",
            metadata: ["code": "\(error.code.rawValue)", "reason": "\(error.message)"])
        replaceCore(with: StoredState(), now)
    }

    private func recover(_ now: Moment) {
        do {
            let state = try store.turn { turn in
                try turn.setFact("probe", now.wall)
                return try turn.load()
            }
            replaceCore(with: state, now)
            health = StoreHealth()
            logger.notice("the store takes writes again")
        } catch {
            health.fail(error, now)
        }
    }

    private func replaceCore(with state: StoredState, _ now: Moment) {
        let counters = core.counters
        core = RouterCore(settings: core.settings, state: state, epoch: core.epoch, now: now)
        core.counters = counters
    }

    /// Operators are served, everybody else is told to come back: nothing is taken that could be lost.
    private func turnWithoutStore(_ inbound: [BusListener.Inbound], _ now: Moment) {
        for item in inbound {
            guard case .success(let message) = item.message else { continue }
            switch message {
            case .hello(let hello) where hello.role != .operator: core.turnAway(item.link, health.refusal)
            case .query(_, let query) where query.name != "status" && query.name != "sessions":
                core.refuse(health.refusal, command: Command.query.rawValue, from: item.link)
            case .hello:
                core.handle(
                    message, from: item.link, as: item.authorized, knowing: .greeting(key: nil, isRunning: false),
                    now: now)
            // Whoever was welcomed before the store failed is a stranger now, and hears it.
            default: core.handle(message, from: item.link, knowing: .none, now: now)
            }
        }
        send(core.endTurn(now: now), now)
    }

    private func reloadSettings(for asker: ReadRequest.Asker?) {
        do {
            core.settings = try environment.reload()
            files.enqueue(.limits(core.settings.files))
            core.turnAwayForbiddenAdapters(environment.clock())
            logger.notice("configuration reloaded")
            if let managed = core.settings.managed, managed.isOff {
                logger.notice("switched off by the administrator's policy", metadata: ["file": "\(managed.file)"])
                control.stop()
            }
            if let asker { core.finish(ReadAnswer(asker: asker, outcome: .success(["reloaded": true]))) }
        } catch {
            logger.error(
                "the configuration is not reloaded: the running one stays in force", metadata: ["reason": "\(error)"])
            if let asker {
                core.finish(ReadAnswer(asker: asker, outcome: .failure(code: "configuration", message: "\(error)")))
            }
        }
    }
}

extension Effects.TapLine {
    /// The line for the log, where an event's id stands under one key in all processes.
    fileprivate var metadata: Logger.Metadata {
        var metadata: Logger.Metadata = [:]
        for member in line.objectValue ?? [:] {
            metadata[member.key == "event_id" ? "event" : member.key] =
                "\(member.value.stringValue ?? member.value.text)"
        }
        return metadata
    }
}

extension BusListener.Counters {
    /// What `status --json` shows.
    fileprivate var json: JSONValue {
        let counts: [(String, UInt64)] = [
            ("messages", messages), ("bytes", bytes), ("refused", refused), ("sent", sent), ("full", full),
            ("gone", gone),
            ("tap_lines", tapLines), ("tap_failures", tapFailures),
        ]
        return .object(JSONObject(counts.map { JSONObject.Member(key: $0.0, value: .integer(Int64(clamping: $0.1))) }))
    }
}
