public import ChannelSession
import Synchronization

/// A clock that stands still until it is moved.
public final class ManualSessionClock: Sendable {
    private let time: Mutex<(monotonic: Int64, wall: Int64)>

    /// - Parameter wall: milliseconds since 1970; 2026-11-23T14:00:00Z if not given.
    public init(wall: Int64 = 1_795_442_400_000) {
        time = Mutex((1_000, wall))
    }

    public func advance(milliseconds: Int64) {
        time.withLock { time in
            time.monotonic += milliseconds
            time.wall += milliseconds
        }
    }

    public var clock: SessionClock {
        SessionClock(
            monotonic: { self.time.withLock { $0.monotonic } }, wall: { self.time.withLock { $0.wall } })
    }
}
