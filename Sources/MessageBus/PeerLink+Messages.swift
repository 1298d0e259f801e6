import BusProtocol

extension PeerLink {
    // MARK: Sending

    mutating func enqueue(_ message: PeerMessage.Numbered, size: MessageSize) throws(BusError) -> UInt64 {
        try checkOpen()
        guard unacknowledged.count < limits.queuedMessages,
            unacknowledged.total.bytes + size.bytes <= Int64(limits.queuedBytes)
        else {
            counters.queueFull += 1
            throw BusError(.queueFull, "too much waits for the router's acknowledgement; send again after the next one")
        }
        if case .hook(let hook) = message, hook.wantsAnswer { awaitedHooks.append(hook.id) }
        if awaitedHooks.count > Self.awaitedHookLimit { awaitedHooks.removeFirst() }
        return unacknowledged.append(message, size: size)
    }

    /// Hooks that wait for an ANSWER at once; past it nobody waits for the oldest any more.
    private static let awaitedHookLimit = 64

    /// Whether the answer is to a hook that waits for one; it no longer does.
    private mutating func closeHook(_ id: String) -> Bool {
        guard let index = awaitedHooks.firstIndex(of: id) else { return false }
        awaitedHooks.remove(at: index)
        return true
    }

    mutating func enqueue(_ call: Call, _ kind: OpenCalls.Kind) throws(BusError) {
        try checkOpen()
        guard calls.count < limits.openCalls else {
            counters.queueFull += 1
            throw BusError(.queueFull, "\(limits.openCalls) calls wait for an answer; ask again after one")
        }
        calls.append(call, kind)
    }

    /// `false` when it is dropped: there is no link, or too much waits for it.
    mutating func enqueue(_ message: FileMessage) -> Bool {
        guard case .welcomed = phase, transfers.count < limits.transfers else {
            counters.droppedTransfers += 1
            return false
        }
        transfers.append(message)
        return true
    }

    private func checkOpen() throws(BusError) {
        guard phase != .ended, farewell == nil else { throw BusError(.stopped, "the peer was stopped or refused") }
    }

    mutating func report(_ health: Health) {
        self.health = health
        isHealthDue = true
    }

    /// The next message for the socket, or `nil` when nothing is to be said now.
    mutating func takeMessage(now: Int64) -> PeerMessage? {
        let message: PeerMessage?
        switch phase {
        case .greeting(let since, saidHello: false):
            phase = .greeting(since: since, saidHello: true)
            message = .hello(currentHello)
        case .welcomed(let epoch, _): message = nextMessage(epoch: epoch, now: now)
        case .leaving(saidBye: false):
            phase = .leaving(saidBye: true)
            message = farewell.map { .bye($0.bye) }
        default: message = nil
        }
        if message != nil { sentAt = now }
        return message
    }

    private mutating func nextMessage(epoch: UInt64, now: Int64) -> PeerMessage? {
        if isHealthDue, let health {
            isHealthDue = false
            return .health(epoch: epoch, health)
        }
        if isAckDue {
            isAckDue = false
            return .ack(Position(epoch: epoch, sequence: expected - 1))
        }
        if let call = calls.next(epoch: epoch) { return call }
        let wasWaiting = unacknowledged.isWaiting
        if let (sequence, message) = unacknowledged.next(within: granted) {
            if !wasWaiting { progressAt = now }
            return .numbered(Position(epoch: epoch, sequence: sequence), message)
        }
        // Last of all: nothing that somebody waits for is behind the bytes of a file.
        if !transfers.isEmpty {
            switch transfers.removeFirst() {
            case .fetch(let fetch): return .fetch(epoch: epoch, fetch)
            case .chunk(let chunk): return .chunk(epoch: epoch, chunk)
            }
        }
        guard now - sentAt >= limits.heartbeat else { return nil }
        // With it goes the last ACK once more: a router whose queue was full may have missed it.
        isAckDue = expected > 1
        return .heartbeat(epoch: epoch)
    }

    /// What the router still takes.
    var creditLeft: Credit { unacknowledged.left(of: granted) }

    // MARK: Receiving

    mutating func received(_ result: Result<RouterMessage, ProtocolError>, now: Int64) {
        guard hasSocket else { return }
        heardAt = now
        let message: RouterMessage
        switch result {
        case .success(let value): message = value
        case .failure:
            counters.malformed += 1
            return lose("malformed", now: now)
        }
        switch message {
        case .bye(let bye): return left(bye, now: now)
        case .reset(let reset):
            counters.resets += 1
            return lose("reset-\(reset.reason.rawValue)", now: now)
        case .error(let refusal): return failed(refusal)
        case .welcome(let welcome): return welcomed(welcome, now: now)
        case .numbered, .ack, .answer, .fetch, .chunk, .heartbeat: break
        }
        switch phase {
        case .welcomed(let epoch, _): hear(message, epoch: epoch, now: now)
        // What was under way when BYE was said; and nothing has a meaning before WELCOME.
        default: break
        }
    }

    private mutating func welcomed(_ welcome: Welcome, now: Int64) {
        guard case .greeting = phase else { return lose("unexpected", now: now) }
        guard welcome.version == BusLimits.version else {
            return refuse(Bye(code: "version", message: "the router speaks version \(welcome.version) of the bus"))
        }
        counters.welcomes += 1
        phase = .welcomed(epoch: welcome.epoch, since: now)
        granted = welcome.credit
        emit(.welcomed(welcome))
        emit(.credit(creditLeft))
        leaveIfDone(now: now)
    }

    private mutating func hear(_ message: RouterMessage, epoch: UInt64, now: Int64) {
        switch message {
        case .numbered(let position, let content):
            guard position.epoch == epoch else { return lose("unexpected", now: now) }
            isAckDue = true
            guard position.sequence >= expected else { return }
            guard position.sequence == expected else {
                counters.gaps += 1
                return lose("gap", now: now)
            }
            expected += 1
            wasUseful = true
            switch content {
            case .deliver(let deliveries): emit(.delivered(deliveries))
            case .command(let command): emit(.commanded(command))
            case .verdict(let verdict): emit(.verdict(verdict))
            }
        case .ack(let ack): acknowledged(ack, epoch: epoch, now: now)
        case .answer(let answer):
            wasUseful = true
            if calls.close(answer.id) || closeHook(answer.id) { emit(.answered(id: answer.id, answer.outcome)) }
        case .fetch(let theirs, let fetch):
            guard theirs == epoch else { return lose("unexpected", now: now) }
            wasUseful = true
            emit(.fetch(fetch))
        case .chunk(let theirs, let chunk):
            guard theirs == epoch else { return lose("unexpected", now: now) }
            wasUseful = true
            emit(.chunk(chunk))
        case .heartbeat(let theirs):
            guard theirs == epoch else { return lose("unexpected", now: now) }
            // An idle link that lives is as good as a busy one.
            wasUseful = true
        case .welcome, .reset, .error, .bye: break
        }
    }

    private mutating func acknowledged(_ ack: Acknowledgement, epoch: UInt64, now: Int64) {
        guard ack.position.epoch == epoch else { return lose("unexpected", now: now) }
        let before = unacknowledged.first
        guard unacknowledged.acknowledge(through: ack.position.sequence) else { return lose("unexpected", now: now) }
        if let credit = ack.credit {
            if granted.events == 0 { progressAt = now }
            granted = credit
        }
        if unacknowledged.first > before {
            wasUseful = true
            progressAt = now
            emit(.acknowledged(sequence: unacknowledged.first - 1, refused: ack.refused))
        }
        emit(.credit(creditLeft))
        leaveIfDone(now: now)
    }

    /// Refusals that no new attempt changes.
    private static let final: Set<String> = Set(
        [ProtocolError.Code.sourceTaken, .sourceKey, .sourceName, .role, .version, .fenced, .notAllowed].map(\.rawValue)
    )

    private func isFinal(_ code: String) -> Bool {
        if code == ProtocolError.Code.sourceTaken.rawValue { return !limits.retriesTakenSource }
        return Self.final.contains(code)
    }

    private mutating func left(_ bye: Bye, now: Int64) {
        if isFinal(bye.code) { return refuse(bye) }
        // The lease of another adapter, or a router that shuts down, takes a while.
        wasUseful = false
        lose("bye-\(String(bye.code.prefix(32)))", now: now)
    }

    private mutating func failed(_ refusal: Refusal) {
        counters.errors += 1
        if case .greeting = phase, isFinal(refusal.code) {
            return refuse(Bye(code: refusal.code, message: refusal.message))
        }
        emit(.error(refusal))
    }
}
