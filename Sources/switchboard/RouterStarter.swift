import ChannelSession
import OperatingHome

/// Starts a router when none answers a session: `switchboard up --detach`, which outlives the session.
///
/// Ten sessions that open at once start one: they start under a lock, and whoever does not get it leaves it to the one
/// who did.
enum RouterStarter {
    /// Does not wait for the router; a failure is told to the session.
    static func start(for session: ChannelSession) {
        do throws(HomeError) {
            try start { session.routerDidNotStart($0) }
        } catch {
            session.routerDidNotStart(error.message)
        }
    }

    /// Holds the lock until the last reference to it goes.
    private final class HeldLock: Sendable {
        let lock: FileLock
        init(_ path: String) throws(HomeError) {
            lock = try FileLock(path, what: "another session's start of a router")
        }
    }

    private static func start(_ onFailure: @escaping @Sendable (String) -> Void) throws(HomeError) {
        let places = try Places.current()
        let lock: HeldLock
        do throws(HomeError) {
            lock = try HeldLock(places.run + "/autostart.lock")
        } catch {
            if error.code == .held { return }
            throw error
        }
        // One that runs and is only slow to answer.
        if try FileLock.holder(places.routerLock) != nil { return }
        let log = places.logFile("autostart")
        var command = ChildCommand(
            try ProgramFinder.ownPath(), ["up", "--detach"], environment: environment(), hasLifeline: false)
        command.isDetached = true
        command.output = .file(log)
        command.errors = .file(log)
        try ChildProcess.start(command).onExit { status in
            withExtendedLifetime(lock) {
                if !status.isSuccess { onFailure("switchboard up --detach: \(status), see \(log)") }
            }
        }
    }

    /// A router serves all sessions, so it gets nothing that belongs to this one.
    private static func environment() -> [String: String] {
        ProcessEnvironment.all().filter { !$0.key.hasPrefix("CLAUDE") && !$0.key.hasPrefix("ANTHROPIC_") }
    }
}
