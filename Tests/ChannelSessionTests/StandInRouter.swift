import BusProtocol
import JSON
import MessageBus
import Synchronization
import Testing

/// A router without a store, over the real bus: it welcomes endpoints, notes receipts and calls, and delivers what the
/// test hands it. One endpoint at a time.
final class StandInRouter: Sendable {
    struct Notes: Sendable {
        var hellos: [Hello] = []
        var receipts: [Receipt] = []
        var calls: [Call] = []
        var hooks: [HookReport] = []
        var farewells: [Bye] = []
    }

    private typealias Job = @Sendable (BusListener, LinkID?, inout LinkTable) -> Void

    private struct State {
        var notes = Notes()
        var waiters: [(fits: @Sendable (Notes) -> Bool, continuation: CheckedContinuation<Void, Never>)] = []
        var jobs: [Job] = []
        var isStopping = false
        /// Whether calls are answered as they come.
        var answers: (@Sendable (Call) -> Answer.Outcome)?
    }

    private let state: Shared
    private let waker: BusWaker
    private let thread: DedicatedThread

    private final class Shared: Sendable {
        let state: Mutex<State>
        init(_ state: State) { self.state = Mutex(state) }
    }

    init(_ path: String, epoch: UInt64, answers: (@Sendable (Call) -> Answer.Outcome)? = nil) throws {
        let listener = try BusListener(local: path, tap: path + "-tap")
        waker = listener.waker
        let shared = Shared(State(answers: answers))
        state = shared
        thread = try DedicatedThread(name: "stand-in") { Self.run(listener, epoch, shared) }
    }

    /// Closes the sockets; returns when they are closed.
    func stop() {
        state.state.withLock { $0.isStopping = true }
        waker.wake()
        thread.join()
    }

    func deliver(_ deliveries: [Delivery]) {
        perform { listener, link, links in
            guard let link, let position = links.nextPosition(to: link) else { return }
            _ = listener.send(.numbered(position, .deliver(deliveries)), to: link)
        }
    }

    private func perform(_ job: @escaping Job) {
        state.state.withLock { $0.jobs.append(job) }
        waker.wake()
    }

    /// Returns once the notes fit; the test's time limit bounds the wait.
    func wait(_ fits: @escaping @Sendable (Notes) -> Bool) async -> Notes {
        await withCheckedContinuation { continuation in
            state.state.withLock { state in
                if fits(state.notes) { return continuation.resume() }
                state.waiters.append((fits, continuation))
            }
        }
        return state.state.withLock { $0.notes }
    }

    private static func run(_ listener: BusListener, _ epoch: UInt64, _ shared: Shared) {
        var links = LinkTable()
        var current: LinkID?
        while true {
            let (jobs, isStopping) = shared.state.withLock { state in
                defer { state.jobs = [] }
                return (state.jobs, state.isStopping)
            }
            for job in jobs { job(listener, current, &links) }
            if isStopping { break }
            do {
                try listener.wait(milliseconds: -1)
                for inbound in try listener.receive(events: 256, bytes: 1 << 22) {
                    handle(inbound, epoch, listener, &links, &current, shared)
                }
            } catch {
                Issue.record("\(error)")
                break
            }
        }
        listener.close()
    }

    private static func handle(
        _ inbound: BusListener.Inbound, _ epoch: UInt64, _ listener: BusListener, _ links: inout LinkTable,
        _ current: inout LinkID?, _ shared: Shared
    ) {
        let link = inbound.link
        guard case .success(let message) = inbound.message else {
            Issue.record("the endpoint sent \(inbound.message)")
            return
        }
        switch message {
        case .hello(let hello):
            links.open(link, epoch: epoch, next: hello.next, now: 0)
            current = link
            let welcome = Welcome(
                epoch: epoch, name: hello.name, credit: Credit(events: 0, bytes: 0), router: "stand-in")
            _ = listener.send(.welcome(welcome), to: link)
            note(shared) { $0.hellos.append(hello) }
        case .numbered(let position, let numbered):
            switch links.accept(position, from: link, now: 0) {
            case .take:
                switch numbered {
                case .receipt(let receipt): note(shared) { $0.receipts.append(receipt) }
                case .hook(let hook): note(shared) { $0.hooks.append(hook) }
                default: break
                }
            case .duplicate: break
            case .reset(let reset): _ = listener.send(.reset(reset), to: link)
            }
            if let accepted = links.accepted(from: link) {
                _ = listener.send(.ack(Acknowledgement(position: accepted)), to: link)
            }
        case .call(let callEpoch, let call):
            if let reset = links.hear(callEpoch, from: link, now: 0) {
                _ = listener.send(.reset(reset), to: link)
                return
            }
            if let outcome = shared.state.withLock({ $0.answers })?(call) {
                _ = listener.send(.answer(Answer(epoch: epoch, id: call.id, outcome: outcome)), to: link)
            }
            note(shared) { $0.calls.append(call) }
        case .ack(let position): links.acknowledged(position, by: link)
        case .heartbeat(let epoch):
            if let reset = links.hear(epoch, from: link, now: 0) { _ = listener.send(.reset(reset), to: link) }
        case .bye(let bye): note(shared) { $0.farewells.append(bye) }
        case .query, .health, .fetch, .chunk: Issue.record("an endpoint has no such message")
        }
    }

    private static func note(_ shared: Shared, _ change: (inout Notes) -> Void) {
        let ready = shared.state.withLock { state in
            change(&state.notes)
            let notes = state.notes
            let ready = state.waiters.filter { $0.fits(notes) }
            state.waiters.removeAll { $0.fits(notes) }
            return ready
        }
        for waiter in ready { waiter.continuation.resume() }
    }
}
