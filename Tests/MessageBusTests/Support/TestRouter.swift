import BusProtocol
import MessageBus
import Synchronization

/// A router without a store: BusListener and LinkTable on a thread of their own, everything noted.
final class TestRouter: Sendable {
    enum Note: Sendable {
        case hello(Hello, LinkID)
        case took(UInt64, PeerMessage.Numbered)
        case duplicate(UInt64)
        case reset(Reset)
        case refused(ProtocolError, command: String, LinkID)
        case call(Call, LinkID)
        case health(Health)
        case fetch(Fetch)
        case chunk(Chunk)
        case acknowledged(Position)
        case heartbeat
        case bye(Bye)
        case stopped
    }

    /// What the thread owns.
    struct State {
        var epoch: UInt64
        var links = LinkTable()
        var current: LinkID?
        var credit: Credit
        /// Nothing is acknowledged while false.
        var acknowledges = true
        var answersHello = true
        var isStopping = false
    }

    typealias Job = @Sendable (BusListener, inout State) -> Void

    let notes = EventLog<Note>()
    let remoteEndpoint: String?
    private let loop: Loop
    private let waker: BusWaker
    private let thread: DedicatedThread

    init(
        _ directory: SocketDirectory, epoch: UInt64 = 1, credit: Credit = Credit(events: 10_000, bytes: 1 << 30),
        remote: BusListener.RemoteListener? = nil
    ) throws {
        let listener = try BusListener(local: directory.router, tap: directory.tap, remote: remote)
        remoteEndpoint = listener.remoteEndpoint
        waker = listener.waker
        let notes = notes
        let loop = Loop(notes: notes)
        thread = try DedicatedThread(name: "test-router") {
            var state = State(epoch: epoch, credit: credit)
            while !state.isStopping { loop.turn(listener, &state) }
            listener.close()
            notes.append(.stopped)
        }
        self.loop = loop
    }

    /// Runs on the router's thread.
    func perform(_ job: @escaping Job) {
        loop.jobs.withLock { $0.append(job) }
        waker.wake()
    }

    /// Closes the sockets; returns when they are closed.
    func stop() {
        perform { $1.isStopping = true }
        thread.join()
    }

    /// Sends a numbered message on the newest link.
    func deliver(_ message: RouterMessage.Numbered) {
        perform { listener, state in
            guard let link = state.current, let position = state.links.nextPosition(to: link) else { return }
            _ = listener.send(.numbered(position, message), to: link)
        }
    }

    var taken: [(sequence: UInt64, message: PeerMessage.Numbered)] {
        notes.entries.compactMap { if case .took(let sequence, let message) = $0 { (sequence, message) } else { nil } }
    }

    /// What a store with its uniqueness constraint would have admitted: a message that comes again after a new HELLO is
    /// the same one.
    var admitted: [(sequence: UInt64, message: PeerMessage.Numbered)] {
        var known: [UInt64: PeerMessage.Numbered] = [:]
        return taken.filter { item in
            if let before = known[item.sequence] {
                precondition(before == item.message, "a sequence was used for two messages")
                return false
            }
            known[item.sequence] = item.message
            return true
        }
    }

    var greetings: Int { notes.entries.count { if case .hello = $0 { true } else { false } } }

    private final class Loop: Sendable {
        let jobs = Mutex<[Job]>([])
        let notes: EventLog<Note>

        init(notes: EventLog<Note>) { self.notes = notes }

        func turn(_ listener: BusListener, _ state: inout State) {
            for job in jobs.withLock({ jobs in
                defer { jobs = [] }
                return jobs
            }) { job(listener, &state) }
            do {
                try listener.wait(milliseconds: state.isStopping ? 0 : -1)
                var touched: Set<LinkID> = []
                for inbound in try listener.receive(events: 256, bytes: 1 << 20) {
                    handle(inbound, listener, &state)
                    touched.insert(inbound.link)
                }
                for link in touched where state.acknowledges {
                    guard let position = state.links.accepted(from: link) else { continue }
                    _ = listener.send(.ack(Acknowledgement(position: position)), to: link)
                }
            } catch {
                preconditionFailure("\(error)")
            }
        }

        private func handle(_ inbound: BusListener.Inbound, _ listener: BusListener, _ state: inout State) {
            let link = inbound.link
            switch inbound.message {
            case .failure(let error):
                notes.append(.refused(error, command: inbound.command, link))
                let isFarewell = inbound.command == "HELLO"
                let refusal = Refusal(code: error.code.rawValue, message: error.message, command: inbound.command)
                _ = listener.send(isFarewell ? .bye(Bye(error)) : .error(refusal), to: link)
            case .success(.hello(let hello)):
                notes.append(.hello(hello, link))
                guard state.answersHello else { return }
                state.links.open(link, epoch: state.epoch, next: hello.next, now: 0)
                state.current = link
                let welcome = Welcome(epoch: state.epoch, name: hello.name, credit: state.credit, router: "test")
                _ = listener.send(.welcome(welcome), to: link)
            case .success(.numbered(let position, let message)):
                switch state.links.accept(position, from: link, now: 0) {
                case .take: notes.append(.took(position.sequence, message))
                case .duplicate: notes.append(.duplicate(position.sequence))
                case .reset(let reset):
                    notes.append(.reset(reset))
                    _ = listener.send(.reset(reset), to: link)
                }
            case .success(.call(let epoch, let call)), .success(.query(let epoch, let call)):
                guard accepts(epoch, link, listener, &state) else { return }
                notes.append(.call(call, link))
            case .success(.health(let epoch, let health)):
                guard accepts(epoch, link, listener, &state) else { return }
                notes.append(.health(health))
            case .success(.fetch(_, let fetch)): notes.append(.fetch(fetch))
            case .success(.chunk(_, let chunk)): notes.append(.chunk(chunk))
            case .success(.ack(let position)):
                state.links.acknowledged(position, by: link)
                notes.append(.acknowledged(position))
            case .success(.heartbeat(let epoch)):
                guard accepts(epoch, link, listener, &state) else { return }
                notes.append(.heartbeat)
            case .success(.bye(let bye)):
                state.links.close(link)
                notes.append(.bye(bye))
            }
        }

        private func accepts(
            _ epoch: UInt64, _ link: LinkID, _ listener: BusListener, _ state: inout State
        ) -> Bool {
            guard let reset = state.links.hear(epoch, from: link, now: 0) else { return true }
            notes.append(.reset(reset))
            _ = listener.send(.reset(reset), to: link)
            return false
        }
    }
}
