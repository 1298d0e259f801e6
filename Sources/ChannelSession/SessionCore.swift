import BusProtocol
import JSON
import Logging
import MessageBus
import ModelContextProtocol

/// The session's decisions. Pure and synchronous: lines, bus events and `now` in, effects out; no clock, no I/O.
struct SessionCore {
    enum Effect: Equatable {
        /// Lines for Claude Code; ``written(_:)`` reports the number back.
        case write([UInt8], number: UInt64)
        /// The connection to the router may begin.
        case connect
        case startRouter
        case call(Call)
        /// The files at these paths have to be open before it is asked.
        case open(Call, [String])
        case closeFiles(String)
        case give(Fetch)
        case receipt(Receipt)
        case hook(HookReport)
        case ask(PermissionRequest)
        /// What the next HELLO names as written.
        case remember([Int64])
        case log(Logger.Level, Logger.Message, Logger.Metadata)
    }

    /// `monotonic` counts durations, `wall` is milliseconds since 1970 for people to read.
    struct Now {
        var monotonic: Int64
        var wall: Int64
    }

    /// How the router can be reached.
    enum Link: Equatable {
        /// Nothing was begun: the client has not said `initialized`.
        case unopened
        /// No answer yet, since then.
        case opening(since: Int64)
        case up
        case lost(since: Int64)
        /// The router will not have this endpoint; final.
        case refused(Bye)
        /// The bus cannot be used from here; final.
        case unusable(String)
    }

    /// A router that runs answers within this time; else one is started. Milliseconds.
    static let startRouterAfter: Int64 = 300

    let identity: SessionIdentity
    /// Whether to start a router when none answers.
    let startsRouter: Bool
    /// Whether each written delivery is logged.
    let tracesDeliveries: Bool

    var server: ServerConnection
    var link = Link.unopened
    var startRouterAt: Int64?
    /// Why no router could be started.
    var startFailure: String?
    var lines = LineLedger()
    var deliveries = DeliveryLedger()
    var calls = CallLedger()
    var hooks = HookLedger()
    var prompts = PromptLedger()
    private(set) var effects: [Effect] = []

    init(identity: SessionIdentity, version: String, startsRouter: Bool, tracesDeliveries: Bool = false) {
        self.identity = identity
        self.startsRouter = startsRouter
        self.tracesDeliveries = tracesDeliveries
        server = ServerConnection(ChannelTools.description(version: version))
    }

    mutating func takeEffects() -> [Effect] {
        defer { effects = [] }
        return effects
    }

    mutating func emit(_ effect: Effect) { effects.append(effect) }

    mutating func emit(lines bytes: [UInt8], deliveries written: [DeliveryLedger.Written] = []) {
        guard !bytes.isEmpty else { return }
        let number = lines.add(bytes.count)
        if !written.isEmpty { deliveries.queued(written, number: number) }
        emit(.write(bytes, number: number))
    }

    mutating func log(_ level: Logger.Level, _ message: Logger.Message, _ metadata: Logger.Metadata = [:]) {
        emit(.log(level, message, metadata))
    }

    // MARK: From Claude Code

    mutating func receive(_ piece: LineSplitter.Piece, now: Now) {
        for action in server.receive(piece) {
            switch action {
            case .send(let bytes): emit(lines: bytes)
            case .opened(let client): open(client, now)
            case .call(let call) where call.tool == ChannelTools.hook: hear(call, now)
            case .call(let call): begin(call, now)
            case .cancelled(let id):
                calls.forget(id)
                hooks.forget(id)
            case .notified(let method, let parameters): hear(method, parameters)
            }
        }
    }

    private mutating func open(_ client: ServerConnection.Client, _ now: Now) {
        log(
            .info, "session opened",
            [
                "session": "\(identity.label)", "client": "\(client.name.isEmpty ? "unnamed" : client.name)",
                "client_version": "\(client.version)",
                "protocol": "\(client.protocolVersion)",
            ])
        link = .opening(since: now.wall)
        if startsRouter { startRouterAt = now.monotonic + Self.startRouterAfter }
        emit(.connect)
    }

    // MARK: From the bus

    mutating func receive(_ event: PeerEvent, now: Now) {
        switch event {
        case .welcomed(let welcome):
            link = .up
            startRouterAt = nil
            startFailure = nil
            log(
                .info, "router joined",
                ["session": "\(welcome.name)", "epoch": "\(welcome.epoch)", "router": "\(welcome.router)"])
        case .lost(let code):
            if case .up = link { link = .lost(since: now.wall) }
            letHooksGo()
            log(.info, "router lost", ["code": "\(code)"])
        case .refused(let bye):
            link = .refused(bye)
            startRouterAt = nil
            letHooksGo()
            log(.error, "router refused this session", ["code": "\(bye.code)", "reason": "\(bye.message)"])
            failAllCalls()
        case .delivered(let batch): deliver(batch)
        case .answered(let id, let outcome): answer(id, outcome)
        case .acknowledged: resendReceipts()
        case .error(let refusal):
            log(.warning, "router refused a message", ["command": "\(refusal.command)", "code": "\(refusal.code)"])
        case .verdict(let verdict): write(verdict)
        case .fetch(let fetch): emit(.give(fetch))
        case .credit, .commanded, .chunk: break  // For adapters.
        }
    }

    /// The bus cannot be used at all.
    mutating func connectFailed(_ error: BusError) {
        link = .unusable(error.message)
        startRouterAt = nil
        log(.error, "bus unusable", ["code": "\(error.code.rawValue)", "reason": "\(error.message)"])
        failAllCalls()
    }

    // MARK: From the output and the clock

    /// Everything up to this number is in the client's pipe.
    mutating func written(_ number: UInt64) {
        lines.written(number)
        report(prompts.written(number))
        report(deliveries.written(number))
        deliverWaiting()
    }

    /// - Returns: when something is due next, on the monotonic clock.
    mutating func tick(now: Now) -> Int64? {
        if let due = startRouterAt, due <= now.monotonic {
            startRouterAt = nil
            log(.info, "no router answers, starting one")
            emit(.startRouter)
        }
        tickCalls(now)
        tickHooks(now)
        return [startRouterAt, calls.nextDue(isAway: link != .up), hooks.nextDue].compactMap(\.self).min()
    }

    /// Whether more of the client's lines can be taken: a client that does not read is not listened to.
    var wantsInput: Bool { lines.hasRoom }
}

/// How much was handed to the output and not yet reported as written.
///
/// Queue `lines to Claude Code`: ``limit`` bytes. Past it deliveries wait, and the client's own lines are not read.
struct LineLedger {
    /// In bytes; what is under way when it is reached may go over it.
    static let limit = 8 << 20

    private var queued: [(number: UInt64, bytes: Int)] = []
    private var bytes = 0
    private var number: UInt64 = 0

    var hasRoom: Bool { bytes < Self.limit }
    /// The number that the next lines will have.
    var nextNumber: UInt64 { number + 1 }

    mutating func add(_ count: Int) -> UInt64 {
        number += 1
        bytes += count
        queued.append((number, count))
        return number
    }

    mutating func written(_ number: UInt64) {
        let done = queued.prefix { $0.number <= number }
        bytes -= done.reduce(0) { $0 + $1.bytes }
        queued.removeFirst(done.count)
    }
}
