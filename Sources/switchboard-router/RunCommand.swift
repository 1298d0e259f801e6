import ArgumentParser
import ChannelEvents
import Logging
import MessageBus
import MessageStore
import OperatingConfiguration
import OperatingHome
import OperatingLog
import Routing

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Runs the router until SIGTERM, SIGINT, or the end of its supervisor; SIGHUP reads the configuration again.
struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "run", abstract: "Run the router.")

    /// A router that lost its supervisor ends within this time.
    private static let handoverSeconds = 10

    func run() throws {
        // The signals are for one thread that waits for them; threads made later inherit the mask.
        let signals = Signals.block([SIGTERM, SIGINT, SIGHUP])
        signal(SIGPIPE, SIG_IGN)
        // The store and its copies are this user's alone.
        umask(0o077)
        let places = try Places.current()
        try places.prepare()
        let configuration = try Configuration.load(places)
        if let policy = configuration.managed, !policy.isEnabled {
            throw SwitchedOff(file: policy.files.joined(separator: " and "))
        }
        OperatingLog.bootstrap(process: "router", settings: configuration.logSettings)
        let logger = Logger(label: "router")

        // Before any bind: a second one would silently take the sockets away. Under a supervisor, which is the only one
        // of its home, whoever holds it is the router of one that was killed, and ends just now.
        let isSupervised = ProcessEnvironment.value(Lifeline.variable) != nil
        let lock = try FileLock(
            places.routerLock, what: "a router of this home", waiting: isSupervised ? Self.handoverSeconds : 0)
        let store = try MessageStore(path: places.database)
        let shelf = try FileShelf(places.files)
        let listener = try BusListener(
            local: places.routerSocket, tap: places.tapSocket, remote: try configuration.remoteListener(places))
        let loop = try RouterLoop(
            listener: listener, store: store, settings: try configuration.routerSettings(places),
            environment: RouterLoop.Environment(
                keys: SourceKeys { name in
                    do { return try SourceKey.existing(name.text, places: places) } catch {
                        logger.error(
                            "a source's key cannot be read", metadata: ["source": "\(name)", "reason": "\(error)"])
                        return nil
                    }
                },
                retention: configuration.storeRetention, shelf: shelf, home: places.configuration, pid: Int64(getpid()),
                clock: Self.now,
                reload: { try Configuration.load(places).routerSettings(places) }),
            logger: logger)
        let stop = loop.stop
        let reload = loop.reload
        try SystemThread.start("signals") {
            while true { Signals.wait(signals) == SIGHUP ? reload() : stop() }
        }
        _ = try Lifeline.watch(onCut: stop)
        if let policy = configuration.managed {
            logger.notice(
                "the administrator's policy holds",
                metadata: ["file": "\(policy.files.joined(separator: " and "))", "summary": "\(policy.summary)"])
        }
        try PolicyWatch.start(onChange: reload)
        logger.notice("router is up", metadata: ["pid": "\(getpid())", "home": "\(places.configuration)"])
        try loop.run()
        listener.close()
        logger.notice("router stopped")
        withExtendedLifetime(lock) {}
    }

    @Sendable private static func now() -> Moment {
        var wall = timespec()
        var uptime = timespec()
        clock_gettime(CLOCK_REALTIME, &wall)
        clock_gettime(CLOCK_MONOTONIC, &uptime)
        return Moment(wall: wall.milliseconds, uptime: uptime.milliseconds)
    }
}

extension timespec {
    fileprivate var milliseconds: Int64 { Int64(tv_sec) * 1_000 + Int64(tv_nsec) / 1_000_000 }
}

/// Signals taken by one thread that waits for them, instead of handlers that interrupt any thread.
enum Signals {
    static func block(_ signals: [Int32]) -> sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        for signal in signals { sigaddset(&set, signal) }
        pthread_sigmask(SIG_BLOCK, &set, nil)
        return set
    }

    static func wait(_ set: sigset_t) -> Int32 {
        var set = set
        var signal: Int32 = 0
        sigwait(&set, &signal)
        return signal
    }
}
