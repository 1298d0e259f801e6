import Synchronization
import ZeroMQ

/// Answers libzmq's question whether a CURVE key is let in (ZAP, ZeroMQ RFC 27), on a thread of its own, because
/// libzmq asks while the router's loop is busy.
final class KeyAuthenticator: Sendable {
    static let domain = "switchboard"
    private static let endpoint = "inproc://zeromq.zap.01"

    private final class State: Sendable {
        let keys: Mutex<Set<String>>
        let isStopping = Mutex(false)

        init(keys: Set<String>) { self.keys = Mutex(keys) }
    }

    private let state: State
    private let waker: BusWaker
    private let thread: DedicatedThread

    /// Starts the thread; its socket is bound when this returns.
    init(_ context: Context, keys: Set<String>) throws(BusError) {
        let state = State(keys: keys)
        let waker = try BusWaker()
        let socket = try BusError.translating { () throws(ZeroMQError) in
            let socket = try Socket(context, .rep)
            try socket.bind(Self.endpoint)
            return socket
        }
        self.state = state
        self.waker = waker
        thread = try DedicatedThread(name: "bus-keys") {
            // An error here is the end of the context; without answers libzmq lets nobody in.
            do throws(ZeroMQError) { try Self.serve(socket, state, waker) } catch { socket.close() }
        }
        try Self.probe(context)
    }

    deinit { stop() }

    func stop() {
        state.isStopping.withLock { $0 = true }
        waker.wake()
        thread.join()
    }

    /// From now on these keys are let in. Connections that stand are checked per message by their owner.
    func allow(_ keys: Set<String>) {
        state.keys.withLock { $0 = keys }
    }

    private static func serve(_ socket: Socket, _ state: State, _ waker: BusWaker) throws(ZeroMQError) {
        while !state.isStopping.withLock({ $0 }) {
            var poller = Poller()
            poller.add(socket)
            let signal = poller.add(waker.signal)
            try poller.wait(milliseconds: -1)
            if poller.isReadable(signal) { waker.signal.clear() }
            while let request = try socket.receive(parts: 16, bytes: 4096) {
                let keys = state.keys.withLock { $0 }
                _ = try socket.send(answer(request.parts, keys: keys))
            }
        }
    }

    /// - Parameter request: version, request id, domain, address, identity, mechanism, credentials.
    static func answer(_ request: [[UInt8]], keys: Set<String>) -> [[UInt8]] {
        let id = request.count > 1 ? request[1] : []
        func reply(_ code: String, _ text: String, user: String = "") -> [[UInt8]] {
            [Array("1.0".utf8), id, Array(code.utf8), Array(text.utf8), Array(user.utf8), []]
        }
        guard request.count == 7, request[0] == Array("1.0".utf8), request[5] == Array("CURVE".utf8) else {
            return reply("400", "only CURVE is let in")
        }
        guard let key = Curve.text(of: request[6]), keys.contains(key) else {
            return reply("400", "this key is not known")
        }
        return reply("200", "OK", user: key)
    }

    /// Asks as libzmq would, with a key that nobody has: no TCP socket is bound before this was refused.
    private static func probe(_ context: Context) throws(BusError) {
        let code = try BusError.translating { () throws(ZeroMQError) -> [UInt8]? in
            let socket = try Socket(context, .req)
            try socket.connect(endpoint)
            let parts = ["1.0", "probe", domain, "", "", "CURVE"].map { Array($0.utf8) }
            _ = try socket.send(parts + [[UInt8](repeating: 0, count: 32)])
            var poller = Poller()
            poller.add(socket)
            try poller.wait(milliseconds: 2_000)
            guard let answer = try socket.receive(), answer.parts.count == 6 else { return nil }
            return answer.parts[2]
        }
        guard code == Array("400".utf8) else {
            throw BusError(.transport, "the key check does not answer, so no TCP socket is opened; restart the router")
        }
    }
}
