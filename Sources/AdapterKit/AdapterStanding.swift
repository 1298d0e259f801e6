import BusProtocol
import JSON

/// How this process stands with the router: what its parts wait for.
struct AdapterStanding: Sendable {
    /// Why the process ends.
    enum End: Sendable, Equatable {
        /// A signal, or the supervisor is gone.
        case stop(String)
        /// The router will not have us.
        case refused(Bye)
    }

    var isWelcomed = false
    /// From the newest WELCOME.
    var welcome: Welcome?
    var end: End?
    /// The last run that has ended; runs are counted from 1.
    var endedRun = 0

    var settings: JSONValue { welcome?.settings ?? .object([:]) }
}
