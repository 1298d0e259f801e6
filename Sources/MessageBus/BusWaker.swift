import ZeroMQ

/// Ends the wait of a thread that owns sockets. Any thread may call it, as often as it likes, also after the owner is
/// gone.
public final class BusWaker: Sendable {
    let signal: WakeSignal

    init() throws(BusError) {
        signal = try BusError.translating { () throws(ZeroMQError) in try WakeSignal() }
    }

    public func wake() { signal.raise() }
}
