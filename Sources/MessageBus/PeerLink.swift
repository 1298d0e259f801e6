import BusProtocol

/// What a peer decides, without socket, thread or clock. `now` is in milliseconds of a monotonic clock.
///
/// The owner feeds it what happened, carries out ``takeActions()`` in order, sends what ``takeMessage(now:)`` gives, and
/// calls ``tick(now:)`` when ``deadline`` is reached. Sockets are told apart by a number: what a replaced socket still
/// says is not to be fed in.
struct PeerLink: Sendable {
    enum Phase: Hashable, Sendable {
        case idle
        /// No socket; one is opened at this time.
        case waiting(until: Int64)
        /// A socket is open and HELLO goes or went out on it.
        case greeting(since: Int64, saidHello: Bool)
        case welcomed(epoch: UInt64, since: Int64)
        /// BYE goes out, then it is over.
        case leaving(saidBye: Bool)
        case ended
    }

    enum Action: Sendable {
        /// A new socket; the old one was closed.
        case open(number: Int)
        /// With so much time for what is queued, in milliseconds.
        case close(linger: Int32)
        case emit(PeerEvent)
    }

    enum FileMessage: Hashable, Sendable {
        case fetch(Fetch), chunk(Chunk)
    }

    /// What the transport says about the socket's connection.
    enum ConnectionChange: Sendable {
        case connected, disconnected, handshakeFailed, keyRefused, failed
    }

    let limits: PeerLimits
    private let hello: Hello
    var phase = Phase.idle
    private var actions: [Action] = []

    var unacknowledged = UnacknowledgedMessages()
    var calls = OpenCalls()
    /// FETCHes and CHUNKs for the present link, in order; gone with it.
    var transfers: [FileMessage] = []
    /// The ids of hooks that wait for an ANSWER, oldest first.
    var awaitedHooks: [String] = []
    var health: Health?
    var isHealthDue = false
    var written: [Int64] = []
    var granted = Credit(events: 0, bytes: 0)

    /// The sequence of the router's next numbered message on this link.
    var expected: UInt64 = 1
    var isAckDue = false
    var heardAt: Int64 = 0
    var sentAt: Int64 = 0

    /// When the router last acknowledged something, or had nothing left to acknowledge.
    var progressAt: Int64 = 0

    private var retry: Int64 = 0
    /// The router acknowledged or answered on this link, so a loss of it is not a failing attempt.
    var wasUseful = false
    var farewell: (bye: Bye, deadline: Int64)?
    private(set) var socketNumber = 0
    var counters = BusPeer.Counters()

    init(hello: Hello, limits: PeerLimits) {
        self.hello = hello
        self.limits = limits
        written = hello.written
    }

    var isEnded: Bool { phase == .ended }

    var hasSocket: Bool {
        switch phase {
        case .greeting, .welcomed, .leaving: return true
        case .idle, .waiting, .ended: return false
        }
    }

    mutating func takeActions() -> [Action] {
        defer { actions.removeAll() }
        return actions
    }

    mutating func emit(_ event: PeerEvent) { actions.append(.emit(event)) }

    // MARK: Opening and closing

    mutating func start(now: Int64) {
        guard phase == .idle else { return }
        open(now: now)
    }

    private mutating func open(now: Int64) {
        socketNumber += 1
        counters.links += 1
        phase = .greeting(since: now, saidHello: false)
        unacknowledged.rewind()
        calls.rewind()
        transfers.removeAll()
        isHealthDue = health != nil
        isAckDue = false
        expected = 1
        granted = Credit(events: 0, bytes: 0)
        wasUseful = false
        heardAt = now
        sentAt = now
        actions.append(.open(number: socketNumber))
    }

    /// HELLO as it is now.
    var currentHello: Hello {
        var hello = hello
        hello.next = unacknowledged.first
        hello.written = written
        return hello
    }

    /// Gives the link up. A link that did its work is opened again at once, a failing one after a growing pause.
    mutating func lose(_ code: String, now: Int64) {
        guard hasSocket else { return }
        counters.lost += 1
        actions.append(.close(linger: 0))
        emit(.lost(code: code))
        granted = Credit(events: 0, bytes: 0)
        if case .leaving = phase { return end() }
        guard farewell == nil else { return end() }
        if wasUseful {
            retry = 0
        } else {
            retry = min(max(retry * 2, limits.firstRetry), limits.longestRetry)
        }
        phase = .waiting(until: now + retry)
    }

    mutating func refuse(_ bye: Bye) {
        if hasSocket { actions.append(.close(linger: 0)) }
        emit(.refused(bye))
        end()
    }

    mutating func end() {
        granted = Credit(events: 0, bytes: 0)
        phase = .ended
    }

    /// Ends the link once everything is acknowledged, or when its time is over.
    mutating func stop(_ bye: Bye, now: Int64) {
        guard farewell == nil, phase != .ended else { return }
        farewell = (bye, now + limits.flush)
        leaveIfDone(now: now)
    }

    mutating func leaveIfDone(now: Int64) {
        guard let farewell else { return }
        switch phase {
        case .welcomed where unacknowledged.count > 0 && now < farewell.deadline: return
        case .welcomed, .greeting(_, saidHello: true): phase = .leaving(saidBye: false)
        case .idle, .waiting: end()
        case .greeting:
            actions.append(.close(linger: 0))
            end()
        case .leaving(let saidBye):
            // BYE is out, or the socket will not take it.
            guard saidBye || now >= farewell.deadline + limits.flush else { return }
            actions.append(.close(linger: 200))
            end()
        case .ended: return
        }
    }

    // MARK: Time

    /// When ``tick(now:)`` is to be called at the latest.
    var deadline: Int64? {
        let next: Int64?
        switch phase {
        case .idle, .ended: next = nil
        case .waiting(let until): next = until
        case .greeting(let since, _): next = since + limits.silence
        case .welcomed:
            let link = min(heardAt + limits.silence, sentAt + limits.heartbeat)
            next = awaitsAcknowledgement ? min(link, progressAt + limits.acknowledgement) : link
        case .leaving: return farewell.map { $0.deadline + limits.flush }
        }
        guard let farewell else { return next }
        return min(next ?? farewell.deadline, farewell.deadline)
    }

    private var awaitsAcknowledgement: Bool { unacknowledged.isWaiting && granted.events > 0 }

    mutating func tick(now: Int64) {
        switch phase {
        case .waiting(let until) where now >= until: open(now: now)
        case .greeting(let since, _) where now - since >= limits.silence: lose("no-answer", now: now)
        case .welcomed where now - heardAt >= limits.silence: lose("silence", now: now)
        case .welcomed where awaitsAcknowledgement && now - progressAt >= limits.acknowledgement:
            lose("no-ack", now: now)
        default: break
        }
        leaveIfDone(now: now)
    }

    mutating func changed(_ change: ConnectionChange, now: Int64) {
        guard hasSocket else { return }
        switch (change, phase) {
        case (.connected, .greeting(_, let saidHello)): phase = .greeting(since: now, saidHello: saidHello)
        case (.connected, _): break
        case (.disconnected, .greeting): lose("disconnected", now: now)
        case (.disconnected, _):
            // The router went; its successor, or its return, is awaited by a new socket at once.
            wasUseful = true
            lose("disconnected", now: now)
        case (.handshakeFailed, _): lose("handshake", now: now)
        case (.keyRefused, _):
            refuse(Bye(code: "source-key", message: "the router does not know this key; see `switchboard keys`"))
        case (.failed, _): lose("transport", now: now)
        }
    }
}
