import JSON
import Logging
import OperatingHome
import OperatingLog

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// One run of `switchboard up` from its lock to its last line.
struct SupervisedHome {
    let places: Places
    let isDetached: Bool

    func run() throws {
        let held: FileLock
        do throws(HomeError) {
            held = try FileLock(places.supervisorLock, what: "`switchboard up`")
        } catch {
            guard error.code == .held else { throw error }
            guard isDetached else {
                throw CommandFailure(
                    "\(error.message); see it with `switchboard status`, stop it with `switchboard up --stop`")
            }
            // Two were started at once: the other one is what this one should have become.
            Terminal.say("switchboard runs already as process \(error.holder ?? 0)")
            Terminal.write([DetachedStart.readyMark], to: 1)
            return
        }
        defer { withExtendedLifetime(held) {} }
        try supervise()
    }

    private func supervise() throws {
        if let router = try RouterQuery.runningRouter(places) {
            throw CommandFailure(
                "a router runs already by itself as process \(router); stop it first with: kill \(router)")
        }
        let router = try ProgramFinder.require("switchboard-router")
        let (plans, configuration) = try AdapterPlan.all(router: router)
        let log = configuration["log"]
        let settings = LogSettings(
            environment: ProcessEnvironment.all(),
            fallback: LogSettings(
                format: log?["format"]?.stringValue.flatMap { LogSettings.Format(rawValue: $0) } ?? .text,
                level: log?["level"]?.stringValue.flatMap { Logger.Level(rawValue: $0) } ?? .info))
        for (name, value) in settings.environment { setenv(name, value, 1) }
        // A relative home must mean the same to every child, whatever folder it runs in.
        if ProcessEnvironment.value("SWITCHBOARD_HOME") != nil { setenv("SWITCHBOARD_HOME", places.configuration, 1) }
        OperatingLog.bootstrap(process: "up", settings: settings)

        let own = try RotatingLog(places.logFile("up"))
        // In the background standard output leads to whoever waits for the start; the log is a file from the beginning.
        if isDetached { own.withDescriptor { dup2($0, 2) } }
        let supervisor = Supervisor(places: places, plans: plans, echo: isDetached ? nil : Self.echo) { standings in
            announce(plans, standings, log: own)
        }
        try supervisor.run()
    }

    @Sendable private static func echo(_ name: String, _ lines: [UInt8]) {
        let named = lines.split(separator: 0x0A).map { Array("\(name) | ".utf8) + $0 + [0x0A] }
        Terminal.write(Array(named.joined()), to: 2)
    }

    private func announce(_ plans: [AdapterPlan], _ standings: [SourceStanding], log: RotatingLog) {
        do {
            let router = try RouterQuery.runningRouter(places)
            let announcement = Announcement(
                places: places, plans: plans, standings: standings, routerProcess: router, isDetached: isDetached)
            Terminal.say(try announcement.text())
        } catch {
            Terminal.complain("switchboard: what runs cannot be shown: \(error)")
        }
        guard isDetached else { return }
        Terminal.write([DetachedStart.readyMark], to: 1)
        // The terminal is let go: from here on this process writes into its own log.
        log.withDescriptor { dup2($0, 1) }
    }
}
