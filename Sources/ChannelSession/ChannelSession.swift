import BusProtocol
public import Logging
public import MessageBus
public import ModelContextProtocol
import Synchronization

/// The channel server of one Claude Code session: MCP on one side, the bus on the other. Knows no transport: lines come
/// in by ``receive(_:)`` and go out to a ``ModelContextProtocol/LineOutput``.
///
/// Nothing happens before the client said `initialized`: no connection, no router started, no file touched. Methods may
/// be called from any thread and do not block.
public final class ChannelSession: LineReceiver, Sendable {
    /// What a session is given by its process.
    public struct Surroundings: Sendable {
        public typealias Connect =
            @Sendable (_ onEvent: @escaping @Sendable (PeerEvent) -> Void) throws(BusError) -> any RouterConnection

        public var output: any LineOutput
        /// Makes the connection, not yet started, whose events go to the handler. The first call of all that may touch
        /// a file or a socket; an error is final for this session and shown in the next tool result.
        public var connect: Connect
        /// Starts a router in the background; `nil` where none is to be started. It must not block; it may
        /// report with ``ChannelSession/routerDidNotStart(_:)``.
        public var startRouter: (@Sendable (ChannelSession) -> Void)?
        /// `nil` where a session has no files of its own.
        public var files: (any SessionFiles)?
        public var clock: SessionClock
        /// Ends the wait for the next ``ChannelSession/tick()``, because something may be due earlier.
        public var wake: @Sendable () -> Void
        public var logger: Logger

        public init(
            output: any LineOutput,
            connect: @escaping Connect,
            startRouter: (@Sendable (ChannelSession) -> Void)? = nil, files: (any SessionFiles)? = nil,
            clock: SessionClock = .system,
            wake: @escaping @Sendable () -> Void, logger: Logger
        ) {
            self.output = output
            self.connect = connect
            self.startRouter = startRouter
            self.files = files
            self.clock = clock
            self.wake = wake
            self.logger = logger
        }
    }

    private let surroundings: Surroundings
    private let core: Mutex<SessionCore>
    private let connection = Mutex<(any RouterConnection)?>(nil)
    private let finished = Atomic<Bool>(false)

    public init(_ identity: SessionIdentity, version: String, surroundings: Surroundings) {
        self.surroundings = surroundings
        core = Mutex(
            SessionCore(
                identity: identity, version: version, startsRouter: surroundings.startRouter != nil,
                tracesDeliveries: surroundings.logger.logLevel <= .debug))
    }

    // MARK: From Claude Code's side

    public func receive(_ piece: LineSplitter.Piece) {
        let now = surroundings.clock.now()
        perform { $0.receive(piece, now: now) }
    }

    /// The output has everything up to this number in the client's pipe.
    public func linesWritten(_ number: UInt64) {
        let (before, after) = perform { core in
            let before = core.wantsInput
            core.written(number)
            return (before, core.wantsInput)
        }
        if before != after { surroundings.wake() }
    }

    public var wantsInput: Bool { core.withLock { $0.wantsInput } }

    public var isFinished: Bool { finished.load(ordering: .relaxed) }

    /// The output is closed: nobody is there to talk to.
    public func outputClosed() {
        finished.store(true, ordering: .relaxed)
        surroundings.wake()
    }

    public func tick() -> Int64? {
        let now = surroundings.clock.now()
        let due = perform { $0.tick(now: now) }
        return due.map { max(0, $0 - now.monotonic) }
    }

    /// Says goodbye to the router; nothing is delivered any more.
    public func close() {
        finished.store(true, ordering: .relaxed)
        connection.withLock { connection in
            defer { connection = nil }
            return connection
        }?.stop()
    }

    // MARK: From the bus's side

    public func routerDidNotStart(_ reason: String) {
        perform { core in
            core.startFailure = reason
            core.log(.warning, "router could not be started", ["reason": "\(reason)"])
        }
    }

    private func receive(_ event: PeerEvent) {
        let now = surroundings.clock.now()
        perform { $0.receive(event, now: now) }
        switch event {
        // What is due changes with the router's coming and going.
        case .welcomed, .lost, .refused: surroundings.wake()
        default: break
        }
    }

    // MARK: Effects

    /// Decides under the lock and writes lines there, so that they keep their order; does the rest outside of it, so
    /// that no lock is held while another module's is taken.
    @discardableResult
    private func perform<Value: Sendable>(_ decide: (inout SessionCore) -> Value) -> Value {
        let (value, rest) = core.withLock { core in
            let value = decide(&core)
            let effects = core.takeEffects()
            for case .write(let lines, let number) in effects { surroundings.output.write(lines, number: number) }
            return (value, effects)
        }
        for effect in rest { perform(effect) }
        return value
    }

    private func perform(_ effect: SessionCore.Effect) {
        switch effect {
        case .write: break
        case .connect: connect()
        case .startRouter: surroundings.startRouter?(self)
        case .remember(let ids): current?.rememberWritten(ids)
        case .log(let level, let message, let metadata):
            surroundings.logger.log(level: level, message, metadata: metadata)
        case .open(let call, let paths): open(paths, for: call)
        case .closeFiles(let call): surroundings.files?.close(call)
        case .give(let fetch):
            guard let files = surroundings.files, let current else { return }
            files.give(fetch) { current.send($0) }
        case .call(let call):
            do throws(BusError) {
                guard let current else { throw BusError(.stopped, "the session is closing") }
                try current.call(call)
            } catch {
                perform { $0.callRefused(call.id, error) }
            }
        case .hook(let hook):
            do throws(BusError) {
                guard let current else { throw BusError(.stopped, "the session is closing") }
                try current.send(hook)
            } catch {
                perform { $0.hookRefused(hook.id, error) }
            }
        case .ask(let request):
            do throws(BusError) {
                guard let current else { throw BusError(.stopped, "the session is closing") }
                try current.send(request)
            } catch {
                perform { $0.askRefused(request.request, error) }
            }
        case .receipt(let receipt):
            do throws(BusError) {
                try current?.send(receipt)
            } catch {
                perform { $0.receiptRefused(receipt) }
            }
        }
    }

    private func open(_ paths: [String], for call: Call) {
        do throws(FileRefusal) {
            guard let files = surroundings.files else {
                throw FileRefusal("Nothing was sent: this session sends no files; put the content into the text.")
            }
            let opened = try files.open(paths, for: call.id)
            perform { $0.opened(opened, for: call) }
        } catch {
            perform { $0.filesRefused(call.id, error.sentence) }
        }
    }

    private var current: (any RouterConnection)? { connection.withLock { $0 } }

    private func connect() {
        do throws(BusError) {
            let made = try surroundings.connect { [weak self] event in self?.receive(event) }
            connection.withLock { $0 = made }
            try made.start()
        } catch {
            perform { $0.connectFailed(error) }
        }
    }
}
