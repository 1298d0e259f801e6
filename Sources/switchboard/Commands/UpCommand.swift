import ArgumentParser
import OperatingHome
import OperatingLog

struct UpCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up", abstract: "Run the router and the enabled adapters, and start again what ends.",
        discussion: """
            Without a configuration: a webhook on 127.0.0.1:8441. Ctrl-C or SIGTERM stops everything in order; twice, at \
            once.
            """)

    @Flag(help: "Go on in the background; returns when the router answers.")
    var detach = false

    @Flag(help: "Stop the Switchboard that runs for this home.")
    var stop = false

    @Flag(help: .hidden)
    var background = false

    func validate() throws {
        if detach && stop { throw ValidationError("--detach and --stop exclude each other") }
    }

    func run() throws {
        try CommandFailure.reporting {
            let places = try Places.current()
            try places.prepare()
            if stop { return try Self.stopRunning(places) }
            if detach { return try DetachedStart.start(places) }
            if background { return try Self.runInBackground(places) }
            try SupervisedHome(places: places, isDetached: false).run()
        }
    }

    /// Errors go where the one who started this waits: to standard output, without the mark that says it is ready.
    private static func runInBackground(_ places: Places) throws {
        do { try SupervisedHome(places: places, isDetached: true).run() } catch let failure as CommandFailure {
            Terminal.say(failure.message)
            throw ExitCode(failure.code)
        } catch let error as HomeError {
            Terminal.say(error.message)
            throw ExitCode(1)
        }
    }

    private static func stopRunning(_ places: Places) throws {
        guard let pid = try FileLock.holder(places.supervisorLock) else {
            guard let router = try RouterQuery.runningRouter(places) else {
                return Terminal.say("nothing runs for \(places.state)")
            }
            throw CommandFailure(
                "no `switchboard up` runs, only a router by itself (process \(router)); stop it with: kill \(router)")
        }
        guard StopRequest.send(to: pid) else { throw CommandFailure("cannot signal process \(pid)") }
        guard try FileLock.waitUntilFree(places.supervisorLock, seconds: 40) else {
            throw CommandFailure("process \(pid) does not stop; kill it with: kill -9 \(pid)")
        }
        Terminal.say("stopped")
    }
}
