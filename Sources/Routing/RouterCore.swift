import AccessControl
public import BusProtocol
import ChannelEvents
import JSON
public import MessageBus
public import MessageStore

/// All that the router decides, as a value: inputs and now in, effects out. No clock, no I/O, no task.
///
/// What must survive is in the store; when a commit fails, this memory is thrown away and made anew from it. A message
/// is handled in two steps, because what is new and who holds what only the store knows: ``question(for:from:)`` says
/// what must be known first, ``handle(_:from:knowing:now:)`` decides.
public struct RouterCore: Sendable {
    public var settings: RouterSettings { didSet { recomputePolicy() } }
    /// Who may do what, all changes included.
    var policy = AccessPolicy()
    var access: AccessBook
    /// Where pairing codes come from.
    var draw: @Sendable () -> UInt64 = {
        var system = SystemRandomNumberGenerator()
        return system.next()
    }
    /// Somebody reads the tap: otherwise its lines are not even made.
    public var isTapWatched = false

    var links = LinkTable()
    var peers: [LinkID: Peer] = [:]
    var sources: [SourceName: Source] = [:]
    var sourceNames: [SourceID: SourceName] = [:]
    var sessions: [SessionID: Session] = [:]
    /// By their folded labels.
    var labels: [String: SessionID] = [:]
    /// Sessions with a link, in order: what a turn looks at must not grow with the sessions there ever were.
    private(set) var attached: [SessionID] = []
    /// The one session that may take what belongs to nobody: the only proved one, else the only one attached.
    private(set) var defaultSession: SessionID?
    /// Sessions that may be asked about: the proved ones, else those past settling.
    private(set) var choosable: [SessionID] = []
    var unassigned: Mailbox
    var routes: RoutingTable
    var lastSession: [Place: SessionID]
    var outbox: Outbox
    var files = FileBook()
    var tools: ToolBook
    var feeds: FeedBook
    var relay: PermissionRelay
    /// What senders were told about their waiting.
    var notices: NoticeBook
    /// What waits a moment for what belongs to it.
    var gathering = GatheringBook()
    /// Sessions that went away while they worked: their turn still ends.
    var leftAtWork: Set<SessionID> = []
    var counters = Counters()
    var epoch: UInt64
    /// Effects of the message or tick in hand.
    var effects = Effects()
    /// The DELIVER that is being filled.
    var openBatch: OpenBatch?
    /// Numbers the hints of this epoch.
    var hints: UInt64 = 0
    /// Uptime at which links are looked at again.
    private var nextLinkCheck: Int64 = 0
    /// Links to acknowledge at the end of the turn, with the events refused in it.
    var due: [LinkID: [RefusedEvent]] = [:]
    /// Changes that may wait for the next commit, and the links to acknowledge then.
    var deferred = DeferredChanges()

    struct Peer: Sendable {
        enum Kind: Sendable {
            case adapter(SourceName)
            case endpoint(SessionID)
            case `operator`
        }

        var kind: Kind
        var instance: String
    }

    /// - Parameter epoch: every link gets a greater one; greater than any that an earlier router gave.
    public init(settings: RouterSettings, state: StoredState, epoch: UInt64, now: Moment) {
        self.settings = settings
        self.epoch = epoch
        access = AccessBook(state)
        unassigned = Mailbox(waiting: state.waiting[unassignedSession] ?? 0)
        lastSession = state.lastSession
        routes = RoutingTable(state.routes, outbox: state.outbox)
        notices = NoticeBook(state.notices)
        outbox = Outbox(parts: state.outbox, last: state.lastPart)
        feeds = FeedBook(state.feeds)
        relay = PermissionRelay(state.permissions, now: now)
        for record in state.sources {
            var source = Source(record)
            source.leaseEnd = now.uptime + BusLimits.silence
            sources[record.name] = source
            sourceNames[record.id] = record.name
        }
        for record in state.sessions {
            var session = Session(record: record, waiting: state.waiting[record.id] ?? 0)
            session.inFlight = state.offered[record.id] ?? []
            session.uncovered = state.written[record.id] ?? []
            session.proof.deafAfter = settings.turns.deafAfter
            session.restoreTurn(state.turns[record.id], seen: state.seen[record.id] ?? [], now)
            if session.turn.isWorking { leftAtWork.insert(record.id) }
            sessions[record.id] = session
            labels[SessionLabel.folded(record.label)] = record.id
        }
        tools = ToolBook(state.questions)
        recomputePolicy()
        restoreHeld(state.awaitingFiles, now)
    }

    /// Every change of a session's phase goes through here: what follows from all phases is worked out once.
    mutating func setPhase(_ phase: Session.Phase, of id: SessionID) {
        sessions[id]?.phase = phase
        attached = sessions.filter { $0.value.isAttached }.keys.sorted()
        let candidates = attached.filter { sessions[$0]?.isPastSettling == true }
        let proved = candidates.filter { sessions[$0]?.isProved == true }
        let only = proved.isEmpty ? candidates : proved
        choosable = only
        defaultSession = only.count == 1 ? only.first : nil
        if only.count > 1, !unassigned.isEmpty { routes.mustAsk = true }
        routes.topics.isStirred = true
    }

    // MARK: Messages

    /// What must be known before the message can be handled.
    public func question(for message: PeerMessage, from link: LinkID, now: Moment) -> Question? {
        switch message {
        case .hello(let hello): return greetingQuestion(hello)
        case .numbered(let position, .publish(let publish)):
            // Nothing is admitted from a message that will not be taken.
            guard let taken = links.accepted(from: link), taken.epoch == position.epoch,
                taken.sequence + 1 == position.sequence
            else { return nil }
            return admissionQuestion(publish, from: link, now)
        case .numbered(_, .ask): return permissionQuestion(from: link)
        case .call(_, let call): return callQuestion(call, from: link)
        case .query(_, let call): return queryQuestion(call, from: link)
        case .fetch(_, let fetch): return fetchQuestion(fetch, from: link)
        default: return nil
        }
    }

    /// Handles one message; the effects are collected until ``endTurn(now:)``.
    public mutating func handle(
        _ message: PeerMessage, from link: LinkID, as authorized: BusListener.AuthorizedPeer? = nil, knowing fact: Fact,
        now: Moment
    ) {
        switch message {
        case .hello(let hello): greet(hello, link, authorized, fact, now)
        case .numbered(let position, let message): take(message, at: position, from: link, knowing: fact, now)
        case .call(let epoch, let call):
            guard hear(epoch, link, now) else { return }
            self.call(call, from: link, knowing: fact, now)
        case .query(let epoch, let call):
            guard hear(epoch, link, now) else { return }
            query(call, from: link, knowing: fact, now)
        case .health(let epoch, let health):
            guard hear(epoch, link, now) else { return }
            note(health, from: link, now)
        case .fetch(let epoch, let fetch):
            guard hear(epoch, link, now) else { return }
            give(fetch, to: link, knowing: fact)
        case .chunk(let epoch, let chunk):
            guard hear(epoch, link, now) else { return }
            take(chunk, from: link)
        case .ack(let position):
            guard hear(position.epoch, link, now) else { return }
            links.acknowledged(position, by: link)
        case .heartbeat(let epoch): _ = hear(epoch, link, now)
        case .bye:
            if case .endpoint(let id) = peers[link]?.kind { routes.topics.noteDeparture(of: id) }
            if case .adapter(let name) = peers[link]?.kind, let source = sources[name], source.link == link {
                // Who leaves by himself holds nothing any more, a restart of the router included.
                sources[name]?.holder = nil
                effects.changes.append(.holder(source.id, nil))
            }
            if case .endpoint(let id) = peers[link]?.kind, sessions[id]?.link == link {
                endPrompts(of: id, "session-ended", now)
            }
            drop(link, now)
        }
    }

    /// A message that could not be read; its sender is told why, others are not touched.
    public mutating func refuse(_ error: ProtocolError, command: String, from link: LinkID) {
        counters.add("refused.\(error.code.rawValue)")
        effects.send(
            .error(Refusal(code: error.code.rawValue, message: error.message, command: command)), to: link)
    }

    private mutating func hear(_ epoch: UInt64, _ link: LinkID, _ now: Moment) -> Bool {
        guard let reset = links.hear(epoch, from: link, now: now.uptime) else { return true }
        counters.add("resets")
        effects.send(.reset(reset), to: link)
        return false
    }

    private mutating func take(
        _ message: PeerMessage.Numbered, at position: Position, from link: LinkID, knowing fact: Fact, _ now: Moment
    ) {
        switch links.accept(position, from: link, now: now.uptime) {
        case .reset(let reset):
            counters.add("resets")
            effects.send(.reset(reset), to: link)
        case .duplicate: due[link, default: []] += []
        case .take:
            if case .receipt(let receipt) = message {
                receive(receipt, from: link, now)
                return deferred.links.formUnion([link])
            }
            due[link, default: []] += []
            switch message {
            case .publish(let publish):
                admit(publish, sequence: position.sequence, from: link, knowing: fact, now)
            case .receipt: break
            case .result(let result): receive(result, from: link, now)
            case .ask(let request): receive(request, from: link, knowing: fact, now)
            case .hook(let hook): receive(hook, from: link, now)
            }
        }
    }

    /// Ends a turn: what became due by itself, then acknowledgements. Gives all effects since the last turn.
    public mutating func endTurn(now: Moment) -> Effects {
        for (link, refused) in due where !deferred.links.contains(link) {
            guard let position = links.accepted(from: link) else { continue }
            effects.send(.ack(Acknowledgement(position: position, refused: refused)), to: link)
        }
        due.removeAll(keepingCapacity: true)
        flushBatch()
        if !notices.marks.isEmpty { showMarks(now) }
        defer { effects = Effects() }
        return effects
    }

    /// The changes to apply now; deferred ones go first, so that a later state never comes before an earlier one.
    mutating func takeChanges(now: Moment) -> [StoreChange] {
        guard !effects.changes.isEmpty || deferred.isDue(now) else { return [] }
        defer {
            effects.changes.removeAll(keepingCapacity: true)
            deferred = DeferredChanges()
        }
        for link in deferred.links { due[link, default: []] += [] }
        return deferred.changes + effects.changes
    }

    /// What became due by itself: silence, heartbeats, sessions that settled, parts to try again.
    public mutating func tick(now: Moment) {
        if now.uptime >= nextLinkCheck {
            nextLinkCheck = now.uptime + Self.linkCheckInterval
            for link in links.silent(now: now.uptime) { drop(link, now) }
            for (link, epoch) in links.heartbeatsDue(now: now.uptime) {
                effects.send(.heartbeat(epoch: epoch), to: link)
            }
        }
        for session in attached { advance(session, now) }
        for session in leftAtWork { passTurn(of: session, now) }
        tellDue(now)
        gathering.pass(now: now.uptime)
        askForUnassigned(now)
        advanceFiles(now)
        advanceLines(now)
        releaseQuiet(now)
        keepTopics(now)
        tickPrompts(now)
        runLanes(now)
    }

    /// Between two looks at all links, in milliseconds: well below heartbeat and silence.
    private static let linkCheckInterval: Int64 = 500

    /// When ``tick(now:)`` has something to do again, at the latest, as uptime.
    public func deadline(now: Moment) -> Int64 {
        var next = nextLinkCheck
        for id in attached { if let deadline = sessions[id]?.deadline { next = min(next, deadline) } }
        for id in leftAtWork { if let deadline = sessions[id]?.turn.deadline { next = min(next, deadline) } }
        if let notice = notices.deadline { next = min(next, notice) }
        if let gathered = gathering.deadline { next = min(next, gathered) }
        if let since = deferred.since { next = min(next, since + DeferredChanges.patience) }
        if let due = files.deadline { next = min(next, due) }
        if let due = tools.deadline { next = min(next, due) }
        if let caller = outbox.nextCaller { next = min(next, caller) }
        if let overdue = outbox.nextOverdue { next = min(next, overdue) }
        if let prompt = relay.nextDue { next = min(next, prompt) }
        if let retry = outbox.nextTry { next = min(next, now.uptime + max(0, retry - now.wall)) }
        return next
    }

    /// A link is gone, by BYE, by silence, or because libzmq has no such peer.
    public mutating func drop(_ link: LinkID, _ now: Moment) {
        links.close(link)
        due[link] = nil
        guard let peer = peers.removeValue(forKey: link) else { return }
        switch peer.kind {
        case .operator: break
        case .adapter(let name):
            guard sources[name]?.link == link else { return }
            sources[name]?.link = nil
            if let id = sources[name]?.id { outbox.forgetTold(source: id) }
            sources[name]?.leaseEnd = now.uptime + BusLimits.silence
            sources[name]?.healthSince = now.wall
            filesGoOn(from: name)
            if isTapWatched { tap("source", ["source": .string(name.text), "state": "away"]) }
        case .endpoint(let id):
            guard sessions[id]?.link == link else { return }
            sessions[id]?.link = nil
            sessions[id]?.parkedInbox = nil
            if sessions[id]?.turn.isWorking == true { leftAtWork.insert(id) }
            setPhase(.away, of: id)
            relayLost(id, now)
            if isTapWatched { tap("session", ["session": .string(sessions[id]?.record.label ?? ""), "state": "away"]) }
        }
    }

    /// What a reader's thread found out goes to who asked, if that link still stands.
    mutating func finish(_ read: ReadAnswer) { answer(read.asker.id, read.outcome, to: read.asker.link) }

    /// Not now: the peer comes back by itself.
    mutating func turnAway(_ link: LinkID, _ why: ProtocolError) {
        counters.add("rejected.\(why.code.rawValue)")
        effects.send(.bye(Bye(why)), to: link)
    }

    /// The router stops: peers need not wait for silence to notice.
    mutating func sayGoodbye() {
        for link in peers.keys {
            effects.send(.bye(Bye(ProtocolError(.shuttingDown, "the router stops"))), to: link)
        }
    }

    /// For a log line: what a link's peer is.
    func name(of link: LinkID) -> String {
        switch peers[link]?.kind {
        case .adapter(let name): return name.text
        case .endpoint(let id): return sessions[id]?.record.label ?? "endpoint"
        case .operator: return "operator"
        case nil: return "stranger"
        }
    }

    /// Callers ask ``isTapWatched`` first: a line that nobody reads is not made.
    mutating func tap(_ topic: String, _ line: JSONValue) {
        effects.tap.append(Effects.TapLine(topic: topic, line: line))
    }
}

/// Receipts: nothing is lost when a crash comes before them, because the endpoint keeps them until they are acknowledged
/// and names what it wrote in HELLO. So they wait for the next commit instead of making one of their own.
struct DeferredChanges: Sendable {
    /// How long they wait for a commit at most, in milliseconds.
    static let patience: Int64 = 20
    /// More than this are committed at once.
    static let limit = 4_096

    private(set) var changes: [StoreChange] = []
    private(set) var since: Int64?
    var links: Set<LinkID> = []

    mutating func append(_ change: StoreChange, _ now: Moment) {
        if since == nil { since = now.uptime }
        changes.append(change)
    }

    func isDue(_ now: Moment) -> Bool {
        guard let since else { return !links.isEmpty }
        return now.uptime - since >= Self.patience || changes.count >= Self.limit
    }
}

/// Counts of what happened, by names from our own vocabulary.
struct Counters: Sendable {
    private(set) var values: [String: Int64] = [:]

    mutating func add(_ name: String, _ amount: Int64 = 1) { values[name, default: 0] += amount }
}
