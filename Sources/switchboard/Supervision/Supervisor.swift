import BusProtocol
import JSON
import Logging
import MessageBus
import OperatingHome

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Runs the router and the enabled adapters as children, and starts again what ends.
///
/// One thread, the one that calls ``run()``, owns all of its state; signals, ends of children and answers of the router
/// come to it through the queue `supervisor`.
final class Supervisor {
    enum Input: Sendable {
        case signal(Int32)
        case ended(name: String, pid: Int32, ExitStatus)
        case welcomed
        case lost
        case refused(String)
        case answered(id: String, Answer.Outcome)
    }

    struct Child {
        let name: String
        let command: ChildCommand
        let log: RotatingLog
        var process: ChildProcess?
        var policy = RestartPolicy()
        /// Milliseconds of the monotonic clock.
        var startedAt: Int64 = 0
        var startAgainAt: Int64?
    }

    static let routerName = "router"
    /// Between two looks at how the sources stand.
    static let lookInterval: Int64 = 5_000
    /// What a child may take to stop by itself, in milliseconds.
    static let stopPatience: Int64 = 10_000

    let places: Places
    private(set) var plans: [AdapterPlan]
    let log = Logger(label: "up")
    let inputs = WaitingQueue<Input>(name: "supervisor", limit: 1024)
    /// Called once when the router has answered and every source has said how it stands.
    private let onReady: ([SourceStanding]) -> Void
    /// Shows what children write to whoever looks; `nil` when nobody does.
    private let echo: (@Sendable (_ name: String, _ lines: [UInt8]) -> Void)?

    var children: [Child] = []
    /// Sources whose program could not be found or started, with the reason.
    var unstartable: [String: String] = [:]
    private var peer: BusPeer?
    private var isRouterThere = false
    private var isReady = false
    private var announceBy: Int64?
    private var lookAt: Int64?
    private var openLook: String?
    private var standings: [String: SourceStanding] = [:]
    private var failure: CommandFailure?

    init(
        places: Places, plans: [AdapterPlan], echo: (@Sendable (String, [UInt8]) -> Void)?,
        onReady: @escaping ([SourceStanding]) -> Void
    ) {
        self.places = places
        self.plans = plans
        self.echo = echo
        self.onReady = onReady
    }

    /// Runs until a signal comes.
    /// - Throws: ``CommandFailure`` when the router does not come up at all.
    func run() throws {
        let inputs = inputs
        try StopSignals.watch(and: [ReloadRequest.signal]) { inputs.put(.signal($0)) }
        try addRouter()
        start(0)
        openPeer()
        while failure == nil {
            guard let input = inputs.take(within: untilNextDeadline()) else {
                meetDeadlines()
                continue
            }
            if case .signal(let number) = input, number != ReloadRequest.signal {
                log.notice("stopping", metadata: ["signal": "\(number)"])
                break
            }
            handle(input)
            meetDeadlines()
        }
        stopAll()
        if let failure { throw failure }
    }

    private func handle(_ input: Input) {
        switch input {
        case .signal: reload()
        case .ended(let name, let pid, let status): ended(name, pid, status)
        case .welcomed:
            if !isRouterThere { log.info("router answers") }
            isRouterThere = true
            if children.count == 1 { startAdapters() }
            lookAt = TimeText.monotonic()
        case .lost: isRouterThere = false
        case .refused(let reason): failure = CommandFailure("the router refuses its supervisor: \(reason)")
        case .answered(let id, let outcome):
            guard id == openLook else { return }
            openLook = nil
            if case .success(let status) = outcome { look(at: status) }
        }
    }

    // MARK: Children

    private func addRouter() throws {
        let program = try ProgramFinder.require("switchboard-router")
        children.append(try child(Self.routerName, ChildCommand(program)))
    }

    private func startAdapters() {
        for plan in plans where plan.isEnabled { startAdapter(plan) }
        announceBy = TimeText.monotonic() + 10_000
    }

    private func startAdapter(_ plan: AdapterPlan) {
        do throws(HomeError) {
            let program = try ProgramFinder.require(plan.programName)
            var command = ChildCommand(program)
            command.environment["SWITCHBOARD_SOURCE"] = plan.name
            command.environment["SWITCHBOARD_SOURCE_KEY"] = try SourceKey.load(plan.name, places: places)
            children.append(try child(plan.name, command))
            start(children.count - 1)
        } catch {
            let reason = error.message
            unstartable[plan.name] = reason
            log.error("adapter cannot start", metadata: ["source": "\(plan.name)", "reason": "\(reason)"])
        }
    }

    /// The configuration changed: the router reads it again, and adapters that are new in it are started. One that is
    /// no more in it runs on without the router's welcome until the next start.
    private func reload() {
        do {
            let router = try ProgramFinder.require("switchboard-router")
            let wanted = try AdapterPlan.all(router: router).plans
            children.first { $0.name == Self.routerName }?.process?.signal(SIGHUP)
            plans = wanted
            // Before the router answers for the first time nothing but it runs: all are started then.
            guard children.count > 1 || announceBy != nil else { return }
            for plan in wanted where plan.isEnabled && !children.contains(where: { $0.name == plan.name }) {
                unstartable[plan.name] = nil
                startAdapter(plan)
            }
            log.notice("configuration read again")
        } catch {
            log.error("configuration not read again", metadata: ["reason": "\(error)"])
        }
    }

    private func child(_ name: String, _ command: ChildCommand) throws(HomeError) -> Child {
        var command = command
        command.output = .pipe
        command.mergesErrors = true
        return Child(name: name, command: command, log: try RotatingLog(places.logFile(name)))
    }

    private func start(_ index: Int) {
        let name = children[index].name
        children[index].startAgainAt = nil
        children[index].startedAt = TimeText.monotonic()
        do {
            let process = try ChildProcess.start(children[index].command)
            children[index].process = process
            if let output = process.output {
                try LogPump.start(output, log: children[index].log) { [echo] in echo?(name, $0) }
            }
            let pid = process.pid
            process.onExit { [inputs] in inputs.put(.ended(name: name, pid: pid, $0)) }
            log.info("started", metadata: ["child": "\(name)", "pid": "\(pid)"])
        } catch {
            log.error("cannot start", metadata: ["child": "\(name)", "reason": "\(error.message)"])
            children[index].startAgainAt = TimeText.monotonic() + children[index].policy.ended(after: 0)
        }
    }

    private func ended(_ name: String, _ pid: Int32, _ status: ExitStatus) {
        guard let index = children.firstIndex(where: { $0.name == name && $0.process?.pid == pid }) else { return }
        let now = TimeText.monotonic()
        children[index].process = nil
        if name == Self.routerName && !isReady && !isRouterThere {
            // Nothing came up yet: a wrong configuration or a second router is told at once, not tried for ever.
            failure = CommandFailure("the router ended at its start (\(status))\(lastWords(children[index]))")
            return
        }
        let pause = children[index].policy.ended(after: now - children[index].startedAt)
        children[index].startAgainAt = now + pause
        log.warning(
            "ended, starts again",
            metadata: ["child": "\(name)", "pid": "\(pid)", "status": "\(status)", "pause_ms": "\(pause)"])
        guard name != Self.routerName else { return }
        reportExit(name, pid)
        standings[name] = SourceStanding(
            name: name, state: "failed",
            reason: "its process ended (\(status)) and is started again; see: switchboard logs \(name)", pid: nil)
    }

    private func lastWords(_ child: Child) -> String {
        if echo != nil { return "; see above" }
        do {
            return ":\n" + (try LogFiles.lastLines(child.log.path, 5)).joined(separator: "\n")
        } catch {
            return "; see \(child.log.path)"
        }
    }

    /// The router need not wait for the lease of a dead adapter to run out.
    private func reportExit(_ source: String, _ pid: Int32) {
        _ = ask("adapter-exited", ["source": .string(source), "pid": .integer(Int64(pid))])
    }

    // MARK: The router's word

    private func openPeer() {
        let inputs = inputs
        let peer = BusPeer(address: .local(path: places.routerSocket), hello: RouterQuery.hello(command: "up")) {
            event in
            switch event {
            case .welcomed: inputs.put(.welcomed)
            case .lost: inputs.put(.lost)
            case .refused(let bye): inputs.put(.refused("\(bye.code): \(bye.message)"))
            case .answered(let id, let outcome): inputs.put(.answered(id: id, outcome))
            default: break
            }
        }
        do {
            try peer.start()
            self.peer = peer
        } catch {
            failure = CommandFailure("cannot open the bus: \(error.message)")
        }
    }

    private func ask(_ name: String, _ arguments: JSONObject = [:]) -> String? {
        let call = Call(id: RandomBytes.hexadecimal(count: 12), name: name, arguments: .object(arguments))
        do {
            try peer?.query(call)
            return call.id
        } catch {
            log.warning("router not asked", metadata: ["question": "\(name)", "reason": "\(error.code.rawValue)"])
            return nil
        }
    }

    private func look(at status: JSONValue) {
        for source in status["sources"]?.arrayValue ?? [] {
            guard let standing = SourceStanding(source) else { continue }
            let before = standings.updateValue(standing, forKey: standing.name)
            if isReady, before?.state != standing.state || before?.reason != standing.reason {
                let level: Logger.Level = standing.state == "up" ? .notice : .warning
                log.log(
                    level: level, "source changed",
                    metadata: [
                        "source": "\(standing.name)", "state": "\(standing.state)",
                        "reason": "\(standing.reason ?? "")",
                    ])
            }
        }
        announceIfSettled(now: TimeText.monotonic())
    }

    private func announceIfSettled(now: Int64) {
        guard !isReady, let announceBy else { return }
        let expected = plans.filter { $0.isEnabled && unstartable[$0.name] == nil }
        let isSettled = expected.allSatisfy { plan in standings[plan.name].map { $0.isSettled } ?? false }
        guard isSettled || now >= announceBy else { return }
        isReady = true
        onReady(
            plans.filter(\.isEnabled).map { plan in
                if let reason = unstartable[plan.name] {
                    return SourceStanding(name: plan.name, state: "failed", reason: reason, pid: nil)
                }
                return standings[plan.name]
                    ?? SourceStanding(
                        name: plan.name, state: "starting", reason: "it has not reached the router yet", pid: nil)
            })
    }

    // MARK: Time

    private func untilNextDeadline() -> Int64 {
        let deadlines =
            children.compactMap(\.startAgainAt) + [announceBy.flatMap { isReady ? nil : $0 }, lookAt].compactMap { $0 }
        return deadlines.min().map { max(0, $0 - TimeText.monotonic()) } ?? Self.lookInterval
    }

    private func meetDeadlines() {
        let now = TimeText.monotonic()
        for index in children.indices {
            if let due = children[index].startAgainAt, due <= now { start(index) }
        }
        announceIfSettled(now: now)
        if let due = lookAt, due <= now {
            if isRouterThere, openLook == nil { openLook = ask("status") }
            lookAt = now + (isReady ? Self.lookInterval : 200)
        }
    }

    // MARK: The end

    /// Adapters first, so that nothing new comes in; then the router, which commits what it has.
    private func stopAll() {
        stop(children.filter { $0.name != Self.routerName })
        peer?.stop()
        stop(children.filter { $0.name == Self.routerName })
        log.info("stopped")
    }

    private func stop(_ children: [Child]) {
        var running = Set(children.compactMap { $0.process?.pid })
        for child in children { child.process?.signal(SIGTERM) }
        var deadline = TimeText.monotonic() + Self.stopPatience
        while !running.isEmpty {
            switch inputs.take(within: deadline - TimeText.monotonic()) {
            case .ended(_, let pid, _): running.remove(pid)
            case .signal(ReloadRequest.signal): break
            case .signal, nil:
                // Asked twice, or too slow.
                for child in children where running.contains(child.process?.pid ?? 0) {
                    log.warning("killed", metadata: ["child": "\(child.name)"])
                    child.process?.signal(SIGKILL)
                }
                deadline = TimeText.monotonic() + Self.stopPatience
            default: break
            }
        }
    }
}
