import BusProtocol
import ChannelEvents
import JSON
import OperatingHome

/// What every adapter must do, whatever its platform: each test starts the real program against a scripted router.
///
///     @Test(arguments: AdapterContract.Clause.allCases)
///     func contract(_ clause: AdapterContract.Clause) async throws {
///         try await AdapterContract(MyFixture()).check(clause)
///     }
public struct AdapterContract: Sendable {
    public enum Clause: String, Sendable, CaseIterable, CustomStringConvertible {
        /// Events are admitted in the platform's order.
        case order
        /// The same message shown again is one event, also to a router that was restarted.
        case deduplication
        /// The platform learns of nothing before it is committed.
        case acknowledgement
        /// A killed adapter goes on where it was.
        case killAndResume
        /// No more is under way than the router grants.
        case credit
        /// A key is carried out once, however often it comes.
        case outboxCertainty
        /// A refused event is named to the platform and does not stop the others.
        case refusal
        /// The bytes of an attachment come whole, also over a link that broke; one that is not there is said to be gone.
        case attachments
        /// The files of a command reach the platform as they are.
        case files
        /// A router that is away for a moment is waited for.
        case routerRestart
        /// A second process of the same source ends at once and says why.
        case secondProcess
        /// It ends by itself, with success, on a signal and with its supervisor.
        case end

        public var description: String { rawValue }
    }

    /// What an adapter told its platform about a message.
    public enum Shown: Hashable, Sendable {
        case acknowledged
        /// It will never be taken.
        case refused
        /// Show it again later.
        case notNow
    }

    public struct Violation: Error, CustomStringConvertible {
        public let description: String
    }

    let fixture: any AdapterFixture

    public init(_ fixture: any AdapterFixture) { self.fixture = fixture }

    public func check(_ clause: Clause) async throws {
        let bench = try AdapterBench(fixture)
        try await bench.start()
        do {
            switch clause {
            case .order: try await order(bench)
            case .deduplication: try await deduplication(bench)
            case .acknowledgement: try await acknowledgement(bench)
            case .killAndResume: try await killAndResume(bench)
            case .credit: try await credit(bench)
            case .outboxCertainty: try await outboxCertainty(bench)
            case .refusal: try await refusal(bench)
            case .attachments: try await attachments(bench)
            case .files: try await files(bench)
            case .routerRestart: try await routerRestart(bench)
            case .secondProcess: try await secondProcess(bench)
            case .end: try await end(bench)
            }
        } catch {
            await bench.stop()
            throw error
        }
        await bench.stop()
    }

    // MARK: Events

    private func order(_ bench: AdapterBench) async throws {
        let texts = (0..<20).map { "message \($0)" }
        for text in texts { try await show(text, text, .acknowledged) }
        let admitted = try await bench.router.events(texts.count).map { try EventBody(json: $0.body).text }
        try require(admitted == texts, "events came as \(admitted)")
    }

    private func deduplication(_ bench: AdapterBench) async throws {
        try await show("once", "a", .acknowledged)
        try await show("once", "a", .acknowledged)
        try await bench.router.stop()
        try await bench.router.start()
        try await show("once", "a", .acknowledged)
        try await show("twice", "b", .acknowledged)
        let memory = bench.router.memory.value
        try require(memory.events.count == 2, "\(memory.events.count) events were admitted instead of 2")
        try require(memory.duplicates >= 2, "the id of a message changed when it was shown again")
    }

    private func acknowledgement(_ bench: AdapterBench) async throws {
        bench.router.script { $0.holds = true }
        let shown = Watched<Shown?>(nil)
        let showing = Task { [fixture] in
            let outcome = try await fixture.show("wait", identity: "w")
            shown.change { $0 = outcome }
        }
        _ = try await bench.router.memory.wait(for: "the publish") { $0.held == 1 }
        try require(shown.value != .acknowledged, "the platform was told before the commit")
        // The router dies with it: what was not committed must not have been acknowledged, and must come again.
        try await bench.router.stop()
        try require(shown.value != .acknowledged, "the platform was told though nothing was committed")
        bench.router.script { $0.holds = false }
        try await bench.router.start()
        try await bench.router.events(1)
        try await showing.value
        if shown.value != .acknowledged { try await show("wait", "w", .acknowledged) }
        try require(bench.router.memory.value.events.count == 1, "the message was admitted twice")
    }

    private func killAndResume(_ bench: AdapterBench) async throws {
        try await show("before", "1", .acknowledged)
        bench.router.script { $0.holds = true }
        let showing = Task { [fixture] in try await fixture.show("during", identity: "2") }
        _ = try await bench.router.memory.wait(for: "the publish") { $0.held == 1 }
        try await bench.kill()
        // Whatever the platform saw of the dying process, it was not an acknowledgement.
        if case .success(.acknowledged) = await showing.result {
            throw Violation(description: "a dead adapter acknowledged")
        }
        bench.router.script { $0.holds = false }
        try await bench.startAdapter()
        try await show("before", "1", .acknowledged)
        try await show("during", "2", .acknowledged)
        try await show("after", "3", .acknowledged)
        let texts = try await bench.router.events(3).map { try EventBody(json: $0.body).text }
        try require(texts == ["before", "during", "after"], "after the kill there are \(texts)")
    }

    private func credit(_ bench: AdapterBench) async throws {
        bench.router.script { script in
            script.credit = Credit(events: 8, bytes: 1 << 20)
            script.holds = true
        }
        // The new credit comes with a new link.
        try await bench.router.stop()
        try await bench.router.start()
        try await bench.router.welcomed(bench.source)
        fixture.willShow(32)
        let shown = (0..<32).map { number in
            Task { [fixture] in try await fixture.show("m\(number)", identity: "\(number)") }
        }
        _ = try await bench.router.memory.wait(for: "eight events under way") { $0.held >= 8 }
        bench.router.script { $0.holds = false }
        for (number, task) in shown.enumerated() where try await task.value != .acknowledged {
            try await show("m\(number)", "\(number)", .acknowledged)
        }
        let memory = bench.router.memory.value
        try require(memory.events.count == 32, "\(memory.events.count) of 32 events were admitted")
        try require(memory.mostHeld <= 8, "\(memory.mostHeld) events were under way with a credit of 8")
    }

    private func refusal(_ bench: AdapterBench) async throws {
        bench.router.script { [fixture] script in
            script.refuse = { fixture.isEvent($0, of: "bad") ? "not-allowed" : nil }
        }
        async let first = fixture.show("first", identity: "good1")
        async let second = fixture.show("second", identity: "bad")
        async let third = fixture.show("third", identity: "good2")
        let outcomes = try await [first, second, third]
        try require(outcomes == [.acknowledged, fixture.refusal, .acknowledged], "the platform was told \(outcomes)")
        try require(bench.router.memory.value.events.count == 2, "a refused event stopped others")
    }

    private func routerRestart(_ bench: AdapterBench) async throws {
        try await bench.router.stop()
        let shown = Task { [fixture] in try await fixture.show("patience", identity: "p") }
        try await bench.router.start()
        if try await shown.value != .acknowledged { try await show("patience", "p", .acknowledged) }
        try require(bench.router.memory.value.events.count == 1, "a restart of the router lost or doubled an event")
        try require(bench.adapterStatus == nil, "the adapter ended with its router")
    }

    // MARK: Commands

    private func outboxCertainty(_ bench: AdapterBench) async throws {
        try await fixture.open()
        let command = PlatformCommand(key: "k1", verb: "send", chat: fixture.chat, arguments: ["text": "hello"])
        bench.router.command(command)
        let outcome = try await bench.router.result("k1")
        guard case .sent = outcome else { throw Violation(description: "a send ended as \(outcome)") }
        _ = try await fixture.taken(1)

        // The same key again is answered, not sent; also when the router asks after a restart.
        try await bench.router.stop()
        bench.router.memory.change { $0.results = [] }
        bench.router.command(command)
        try await bench.router.start()
        let again = try await bench.router.result("k1")
        try require(again == outcome, "a known key was answered \(again) instead of \(outcome)")

        // Marked, but never heard of: its first frame was lost on the way to this process, so it is carried out.
        var lost = PlatformCommand(key: "k2", verb: "send", chat: fixture.chat, arguments: ["text": "end"])
        lost.again = true
        bench.router.command(lost)
        guard case .sent = try await bench.router.result("k2") else {
            throw Violation(description: "a command whose first frame was lost was not carried out")
        }
        let taken = try await fixture.taken(2)
        try require(taken == ["hello", "end"], "the platform took \(taken)")

        bench.router.command(PlatformCommand(key: "k3", verb: "no-such-verb", chat: fixture.chat, arguments: [:]))
        guard case .rejected = try await bench.router.result("k3") else {
            throw Violation(description: "a verb that is no ability was not rejected")
        }
    }

    // MARK: Processes

    private func secondProcess(_ bench: AdapterBench) async throws {
        let second = try bench.launch()
        let status = await second.exit()
        try require(!status.isSuccess, "a second process ended with success")
        let errors = bench.errors(of: second)
        try require(errors.contains("source-taken"), "a second process did not say why it ended: \(errors)")
        try await show("still here", "s", .acknowledged)
    }

    private func end(_ bench: AdapterBench) async throws {
        try await bench.signal(.terminate)
        try require(
            bench.adapterStatus == .exited(0), "SIGTERM ended it with \(String(describing: bench.adapterStatus))")
        try require(bench.router.memory.value.byes.last?.code == "shutting-down", "it did not say BYE")
        try await bench.startAdapter()
        try await bench.signal(.lifeline)
        try require(
            bench.adapterStatus == .exited(0),
            "its supervisor's end ended it with \(String(describing: bench.adapterStatus))")
    }

    // MARK: Small things

    private func show(_ text: String, _ identity: String, _ wanted: Shown) async throws {
        let outcome = try await fixture.show(text, identity: identity)
        try require(outcome == wanted, "\(identity) was \(outcome) instead of \(wanted)")
    }

    func require(_ condition: Bool, _ text: String) throws {
        guard condition else { throw Violation(description: text) }
    }
}
