import BusProtocol
import Synchronization
import ZeroMQ

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// What a peer's callers and its thread share.
final class PeerCore: Sendable {
    let link: Mutex<PeerLink>
    let onEvent: @Sendable (PeerEvent) -> Void
    /// Set by `start`; before it nobody waits.
    private let waker = Mutex<BusWaker?>(nil)
    private let busThread = Mutex<pthread_t?>(nil)

    init(link: PeerLink, onEvent: @escaping @Sendable (PeerEvent) -> Void) {
        self.link = Mutex(link)
        self.onEvent = onEvent
    }

    func start() { link.withLock { $0.start(now: MonotonicClock.milliseconds()) } }

    func setWaker(_ waker: BusWaker) { self.waker.withLock { $0 = waker } }

    func enterBusThread() { busThread.withLock { $0 = pthread_self() } }

    var isOnBusThread: Bool { busThread.withLock { $0.map { pthread_equal($0, pthread_self()) != 0 } ?? false } }

    /// Changes the link and has its thread look at it.
    func change<Value: Sendable>(_ body: (inout PeerLink) throws(BusError) -> Value) throws(BusError) -> Value {
        let value = try link.withLock { link throws(BusError) in try body(&link) }
        wake()
        return value
    }

    func change<Value: Sendable>(_ body: (inout PeerLink) -> Value) -> Value {
        let value = link.withLock { body(&$0) }
        wake()
        return value
    }

    func stop(_ farewell: Bye) {
        change { $0.stop(farewell, now: MonotonicClock.milliseconds()) }
    }

    private func wake() { waker.withLock { $0 }?.wake() }
}

/// Carries out what ``PeerLink`` decides: owns the socket, waits, calls back. Made by `start`, then its thread's alone.
final class PeerThread {
    private let core: PeerCore
    private let address: BusAddress
    private let endpoint: String
    private let context: Context
    private let waker: BusWaker
    private var connection: Connection?
    /// A message that the socket's queue had no room for; goes first when it has.
    private var blocked: [[UInt8]]?

    private struct Connection {
        let socket: Socket
        let monitor: SocketMonitor
        let number: Int
    }

    init(address: BusAddress, core: PeerCore) throws(BusError) {
        self.address = address
        self.core = core
        endpoint = try address.endpoint()
        context = try BusError.translating { () throws(ZeroMQError) in try Context() }
        waker = try BusWaker()
        // An address that libzmq does not take is an error now and not a link that never comes.
        try BusError.translating { () throws(ZeroMQError) in
            let probe = try Socket(context, .dealer, options)
            try probe.connect(endpoint)
        }
        core.setWaker(waker)
    }

    private var options: SocketOptions {
        var options = SocketOptions()
        options.frameBytes = BusLimits.hardFrameBytes
        options.security = address.security
        options.usesIPv6 = address.security != .none
        let limits = core.link.withLock { $0.limits }
        options.reconnect = Int32(clamping: limits.firstRetry)
        options.longestReconnect = Int32(clamping: limits.longestRetry)
        return options
    }

    func run() {
        core.enterBusThread()
        while true {
            let now = MonotonicClock.milliseconds()
            step { $0.tick(now: now) }
            flush()
            // BYE is said, or there is nobody to say it to.
            step { $0.leaveIfDone(now: now) }
            guard let milliseconds = core.link.withLock({ $0.isEnded ? nil : Self.timeout($0, now: now) }) else {
                break
            }
            do throws(ZeroMQError) {
                try wait(milliseconds: milliseconds)
                try receive()
            } catch {
                step { $0.changed(.failed, now: MonotonicClock.milliseconds()) }
            }
        }
        connection = nil
    }

    private static func timeout(_ link: PeerLink, now: Int64) -> Int {
        guard let deadline = link.deadline else { return -1 }
        return Int(max(0, deadline - now))
    }

    /// Changes the link and carries out what follows from it, outside of its lock: callbacks may call back.
    private func step(_ change: (inout PeerLink) -> Void) {
        let actions = core.link.withLock { link in
            change(&link)
            return link.takeActions()
        }
        for action in actions {
            switch action {
            case .emit(let event): core.onEvent(event)
            case .close(let linger): close(linger: linger)
            case .open(let number): open(number: number)
            }
        }
    }

    private func open(number: Int) {
        do throws(ZeroMQError) {
            let socket = try Socket(context, .dealer, options)
            let monitor = try SocketMonitor(socket, context, name: String(number))
            try socket.connect(endpoint)
            connection = Connection(socket: socket, monitor: monitor, number: number)
        } catch {
            step { $0.changed(.failed, now: MonotonicClock.milliseconds()) }
        }
    }

    private func close(linger: Int32) {
        blocked = nil
        guard let connection else { return }
        self.connection = nil
        do throws(ZeroMQError) { try connection.socket.setLinger(milliseconds: linger) } catch {
            // It closes with the linger it was made with, which is none.
        }
        connection.monitor.close()
        connection.socket.close()
    }

    private func wait(milliseconds: Int) throws(ZeroMQError) {
        var poller = Poller()
        let signal = poller.add(waker.signal)
        if let connection {
            poller.add(connection.socket, alsoWritable: blocked != nil)
            poller.add(connection.monitor.socket)
        }
        try poller.wait(milliseconds: milliseconds)
        if poller.isReadable(signal) { waker.signal.clear() }
    }

    /// Sends until there is nothing to say or no room.
    private func flush() {
        guard let socket = connection?.socket else { return }
        do throws(ZeroMQError) {
            if let message = blocked {
                guard try socket.send(message) == .sent else { return }
                blocked = nil
            }
            while let message = core.link.withLock({ $0.takeMessage(now: MonotonicClock.milliseconds()) }) {
                let parts = message.frames.parts
                guard try socket.send(parts) == .sent else {
                    blocked = parts
                    return
                }
            }
        } catch {
            step { $0.changed(.failed, now: MonotonicClock.milliseconds()) }
        }
    }

    /// Takes a bounded number of messages, then what became of the connection: a BYE that came before its end counts.
    private func receive() throws(ZeroMQError) {
        guard let current = connection else { return }
        for _ in 0..<128 {
            guard connection?.number == current.number else { return }
            guard let message = try current.socket.receive(limitedTo: BusLimits.self) else { break }
            let result = Self.read(message)
            step { $0.received(result, now: MonotonicClock.milliseconds()) }
        }
        while connection?.number == current.number, let change = try current.monitor.next() {
            step { $0.changed(change.connectionChange, now: MonotonicClock.milliseconds()) }
        }
    }

    private static func read(_ received: ReceivedMessage) -> Result<RouterMessage, ProtocolError> {
        do throws(ProtocolError) {
            guard !received.isCut else { throw ProtocolError(.oversize, "a message over the limits of the bus") }
            return .success(try RouterMessage(try BusFrames(parts: received.parts)))
        } catch {
            return .failure(error)
        }
    }
}

extension SocketMonitor.Change {
    fileprivate var connectionChange: PeerLink.ConnectionChange {
        switch self {
        case .connected: return .connected
        case .disconnected: return .disconnected
        case .handshakeFailed: return .handshakeFailed
        case .keyRefused: return .keyRefused
        }
    }
}
