public import BusProtocol
public import ChannelEvents
public import JSON
import MessageBus
public import OperatingHome
import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A small scripted router for tests of adapters: a real bus, a memory instead of a database, and a script.
///
/// It keeps to the protocol as the real router does: epochs, sequences, credit, one holder for a source, commands
/// repeated with `again`. ``stop()`` is a crash: what was not acknowledged is forgotten, what was is kept, and
/// ``start()`` goes on from there.
public final class TestRouter: Sendable {
    /// What the router does with what it hears.
    public struct Script: Sendable {
        public var credit = Credit(events: 1024, bytes: 8 << 20)
        public var settings: JSONValue?
        /// A code refuses the event.
        public var refuse: @Sendable (EventHead) -> String? = { _ in nil }
        /// While true nothing is committed: publishes stay unanswered.
        public var holds = false
        /// Files that commands name, by id.
        public var files: [String: [UInt8]] = [:]
        /// The key of a source; any key is taken where there is none.
        public var keys: [String: String] = [:]

        public init() {}
    }

    /// What the router knows; survives its crashes.
    public struct Memory: Sendable {
        public var script = Script()
        /// Admitted events in the order of their admission, each id once.
        public var events: [PublishedEvent] = []
        public var ids: Set<String> = []
        /// Publishes taken, with how many events each had.
        public var batches: [Int] = []
        public var duplicates = 0
        public var refused = 0
        /// Events taken in while the script holds; a limit of credit shows here.
        public var held = 0
        /// The most that were held at once.
        public var mostHeld = 0
        /// Sources whose process the test declares dead, as a supervisor does.
        var released: Set<String> = []
        public var cursor: JSONValue?
        public var results: [CommandResult] = []
        public var health: [Health] = []
        public var hellos: [Hello] = []
        public var byes: [Bye] = []
        public var resets = 0
        /// Sources that are welcomed at this moment.
        public var welcomed: Set<String> = []
        public var isRunning = false
        /// Attachments that the test wants, and what came of them.
        var wanted: [Fetch] = []
        public var fetched: [String: Result<[UInt8], FetchFailure>] = [:]
        var open: [PlatformCommand] = []
        var given: Set<String> = []
        var runs: UInt64 = 0
    }

    public let places: Places
    public let memory = Watched(Memory())
    private let waker = Mutex<BusWaker?>(nil)
    private let wantsStop = Mutex(false)

    public init(places: Places) { self.places = places }

    /// Binds its sockets and runs until ``stop()``.
    public func start() async throws {
        try places.prepare()
        wantsStop.withLock { $0 = false }
        let failure = Mutex<(any Error)?>(nil)
        let started = Watched(false)
        try SystemThread.start("test-router") { [self] in
            do {
                // Made and used on this thread alone: a socket belongs to one.
                let listener = try BusListener(local: places.routerSocket, tap: places.tapSocket)
                waker.withLock { $0 = listener.waker }
                memory.change { memory in
                    memory.runs += 1
                    memory.isRunning = true
                }
                started.change { $0 = true }
                var loop = TestRouterLoop(listener: listener, memory: memory)
                while !wantsStop.withLock({ $0 }) { try loop.turn() }
                listener.close()
            } catch {
                failure.withLock { $0 = error }
                started.change { $0 = true }
            }
            memory.change { memory in
                memory.isRunning = false
                memory.welcomed = []
                memory.held = 0
            }
        }
        _ = try await started.wait(for: "the test router to start") { $0 }
        if let error = failure.withLock({ $0 }) { throw error }
    }

    /// Ends without a word, as a crash does.
    public func stop() async throws {
        wantsStop.withLock { $0 = true }
        wake()
        _ = try await memory.wait(for: "the test router to stop") { !$0.isRunning }
    }

    /// Changes the script; takes effect with the next message.
    public func script(_ change: (inout Script) -> Void) {
        memory.change { change(&$0.script) }
        wake()
    }

    /// Gives the adapter a command; repeated on every new link until its RESULT is there, as the router does.
    public func command(_ command: PlatformCommand) {
        memory.change { $0.open.append(command) }
        wake()
    }

    /// Waits until `count` events are admitted.
    @discardableResult
    public func events(_ count: Int) async throws -> [PublishedEvent] {
        try await memory.wait(for: "\(count) events") { $0.events.count >= count }.events
    }

    /// Waits for the outcome of a command.
    public func result(_ key: String) async throws -> SendOutcome {
        let memory = try await memory.wait(for: "the result of \(key)") { $0.results.contains { $0.key == key } }
        return memory.results.last { $0.key == key }?.outcome ?? .unknown(reason: "")
    }

    /// Asks the adapter for an attachment, as the real router does: piece by piece, again on every new link.
    public func fetch(_ attachment: String, event: String, chat: String, limit: Int64 = 100 << 20) async throws
        -> Result<[UInt8], FetchFailure>
    {
        let id = RandomBytes.hexadecimal(count: 8)
        memory.change {
            $0.wanted.append(Fetch(id: id, file: attachment, event: event, chat: chat, limit: limit))
        }
        wake()
        let memory = try await memory.wait(for: "the attachment \(attachment)") { $0.fetched[id] != nil }
        return memory.fetched[id] ?? .failure(FetchFailure(.gone, ""))
    }

    /// Waits until a source is welcomed.
    public func welcomed(_ source: String) async throws {
        _ = try await memory.wait(for: "\(source) to be welcomed") { $0.welcomed.contains(source) }
    }

    /// Says that a source's process is dead, as a supervisor does: its lease ends.
    public func release(_ source: String) {
        memory.change { $0.released.insert(source) }
        wake()
    }

    private func wake() { waker.withLock { $0 }?.wake() }
}

/// The loop of a ``TestRouter``, on its thread.
struct TestRouterLoop {
    private let listener: BusListener
    private let memory: Watched<TestRouter.Memory>
    private var table = LinkTable()
    private var names: [LinkID: (source: String, instance: String)] = [:]
    private var held: [(LinkID, Position, Publish)] = []
    private var pulls: [String: (pull: FilePull, bytes: [UInt8])] = [:]
    private let epoch: UInt64

    init(listener: BusListener, memory: Watched<TestRouter.Memory>) {
        self.listener = listener
        self.memory = memory
        // Rises with every run and never repeats one of another test.
        epoch = memory.value.runs << 32 | UInt64.random(in: 0..<1 << 31)
        memory.change { memory in memory.given = Set(memory.open.map(\.key)) }
    }

    private var now: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    mutating func turn() throws {
        try listener.wait(milliseconds: 200)
        if !memory.value.script.holds, !held.isEmpty {
            let waiting = held
            held = []
            memory.change { $0.held = 0 }
            for (link, position, publish) in waiting { take(publish, position, link) }
        }
        for inbound in try listener.receive(events: 256, bytes: 1 << 20) {
            switch inbound.message {
            case .success(let message): hear(message, inbound.link)
            case .failure(let error):
                let refusal = Refusal(code: error.code.rawValue, message: error.message, command: inbound.command)
                send(.error(refusal), to: inbound.link)
            }
        }
        let released = memory.change { memory in
            defer { memory.released = [] }
            return memory.released
        }
        for (link, name) in names where released.contains(name.source) { drop(link) }
        giveCommands()
        askForFiles()
        for link in table.silent(now: now) { drop(link) }
        for (link, epoch) in table.heartbeatsDue(now: now) { send(.heartbeat(epoch: epoch), to: link) }
    }

    private mutating func hear(_ message: PeerMessage, _ link: LinkID) {
        switch message {
        case .hello(let hello): welcome(hello, link)
        case .numbered(let position, .publish(let publish)):
            guard !memory.value.script.holds else {
                held.append((link, position, publish))
                memory.change { memory in
                    memory.held += publish.events.count
                    memory.mostHeld = max(memory.mostHeld, memory.held)
                }
                return
            }
            take(publish, position, link)
        case .numbered(let position, let other):
            guard accept(position, link) else { return }
            if case .result(let result) = other {
                memory.change { memory in
                    memory.open.removeAll { $0.key == result.key }
                    memory.given.remove(result.key)
                    memory.results.append(result)
                }
            }
            acknowledge(link)
        case .ack(let position):
            table.acknowledged(position, by: link)
        case .heartbeat(let epoch):
            if let reset = table.hear(epoch, from: link, now: now) { self.reset(reset, link) }
        case .health(let epoch, let health):
            if let reset = table.hear(epoch, from: link, now: now) { return self.reset(reset, link) }
            memory.change { $0.health.append(health) }
        case .bye(let bye):
            memory.change { $0.byes.append(bye) }
            drop(link)
        case .fetch(let epoch, let fetch):
            let bytes = memory.value.script.files[fetch.file]
            let content =
                bytes.map { bytes in
                    let start = Int(min(fetch.offset, Int64(bytes.count)))
                    let end = min(bytes.count, start + fetch.count)
                    return Chunk.Content.bytes(
                        Chunk.Piece(
                            offset: Int64(start), size: Int64(bytes.count), version: fetch.file,
                            isLast: end == bytes.count, bytes: Array(bytes[start..<end])))
                } ?? .failure(FetchFailure(.notAllowed, "there is no such file for you"))
            send(.chunk(epoch: epoch, Chunk(id: fetch.id, content)), to: link)
        case .chunk(_, let chunk): take(chunk)
        case .call(_, let call), .query(_, let call):
            send(.error(Refusal(code: "unexpected", message: "an adapter asks nothing", command: call.name)), to: link)
        }
    }

    private mutating func welcome(_ hello: Hello, _ link: LinkID) {
        let known = memory.value
        if let key = known.script.keys[hello.name], key != hello.key {
            return send(.bye(Bye(code: "source-key", message: "this key does not open \(hello.name)")), to: link)
        }
        let holder = names.first { $0.value.source == hello.name && $0.key != link }
        if let holder, holder.value.instance != hello.instance {
            return send(.bye(Bye(code: "source-taken", message: "\(hello.name) is held by another process")), to: link)
        }
        if let holder { drop(holder.key) }
        table.open(link, epoch: epoch, next: hello.next, now: now)
        names[link] = (hello.name, hello.instance)
        let welcome = Welcome(
            epoch: epoch, name: hello.name, cursor: known.cursor, credit: known.script.credit,
            settings: known.script.settings, router: "test")
        send(.welcome(welcome), to: link)
        let cameBack = known.hellos.last { $0.name == hello.name }?.instance == hello.instance
        let isIdempotent = hello.abilities.features.contains("idempotent")
        for id in pulls.keys { pulls[id]?.pull.rewind() }
        memory.change { memory in
            memory.hellos.append(hello)
            memory.welcomed.insert(hello.name)
            // What was under way is given again to the process that had it. Another one cannot know what became of it.
            memory.given = []
            guard !cameBack, !isIdempotent else { return }
            for command in memory.open where command.again {
                memory.results.append(CommandResult(key: command.key, outcome: .unknown(reason: "the adapter ended")))
            }
            memory.open.removeAll(where: \.again)
        }
    }

    private mutating func accept(_ position: Position, _ link: LinkID) -> Bool {
        switch table.accept(position, from: link, now: now) {
        case .take: return true
        case .duplicate:
            acknowledge(link)
            return false
        case .reset(let reset):
            self.reset(reset, link)
            return false
        }
    }

    private mutating func take(_ publish: Publish, _ position: Position, _ link: LinkID) {
        guard accept(position, link) else { return }
        var refused: [RefusedEvent] = []
        memory.change { memory in
            memory.batches.append(publish.events.count)
            for (index, event) in publish.events.enumerated() {
                guard let head = event.head, head.invalidMember == nil, EventBody.isValid(event.body) else {
                    refused.append(RefusedEvent(sequence: position.sequence, index: index, code: "malformed"))
                    continue
                }
                if let code = memory.script.refuse(head) {
                    refused.append(RefusedEvent(sequence: position.sequence, index: index, code: code))
                    continue
                }
                guard memory.ids.insert(head.id).inserted else {
                    memory.duplicates += 1
                    continue
                }
                memory.events.append(event)
            }
            memory.refused += refused.count
            if let cursor = publish.cursor {
                do throws(JSONError) {
                    memory.cursor = try JSONValue(parsing: cursor)
                } catch {
                    memory.refused += 1
                }
            }
        }
        acknowledge(link, refused)
    }

    private mutating func acknowledge(_ link: LinkID, _ refused: [RefusedEvent] = []) {
        guard let position = table.accepted(from: link) else { return }
        send(.ack(Acknowledgement(position: position, refused: refused, credit: memory.value.script.credit)), to: link)
    }

    private mutating func giveCommands() {
        guard let link = names.keys.first else { return }
        let known = memory.value
        for command in known.open where !known.given.contains(command.key) {
            guard let position = table.nextPosition(to: link) else { return }
            send(.numbered(position, .command(command)), to: link)
            memory.change { memory in
                memory.given.insert(command.key)
                if let index = memory.open.firstIndex(where: { $0.key == command.key }) {
                    memory.open[index].again = true
                }
            }
        }
    }

    private mutating func askForFiles() {
        for fetch in memory.value.wanted where pulls[fetch.id] == nil { pulls[fetch.id] = (FilePull(fetch), []) }
        guard let link = names.keys.first, let epoch = table.accepted(from: link)?.epoch else { return }
        for id in pulls.keys {
            while let fetch = pulls[id]?.pull.next() { send(.fetch(epoch: epoch, fetch), to: link) }
        }
    }

    private mutating func take(_ chunk: Chunk) {
        guard var item = pulls[chunk.id] else { return }
        var outcome: Result<[UInt8], FetchFailure>?
        switch item.pull.take(chunk) {
        case .ignored: break
        case .failed(let failure): outcome = .failure(failure)
        case .bytes(let bytes, let isRestart): item.bytes = (isRestart ? [] : item.bytes) + bytes
        }
        if item.pull.isComplete { outcome = .success(item.bytes) }
        pulls[chunk.id] = item
        guard let outcome else { return }
        pulls[chunk.id] = nil
        memory.change { memory in
            memory.wanted.removeAll { $0.id == chunk.id }
            memory.fetched[chunk.id] = outcome
        }
    }

    private mutating func reset(_ reset: Reset, _ link: LinkID) {
        memory.change { $0.resets += 1 }
        send(.reset(reset), to: link)
    }

    private mutating func send(_ message: RouterMessage, to link: LinkID) {
        table.sent(to: link, now: now)
        if listener.send(message, to: link) == .gone { drop(link) }
    }

    private mutating func drop(_ link: LinkID) {
        table.close(link)
        held.removeAll { $0.0 == link }
        guard let name = names.removeValue(forKey: link) else { return }
        guard !names.values.contains(where: { $0.source == name.source }) else { return }
        memory.change { $0.welcomed.remove(name.source) }
    }
}
