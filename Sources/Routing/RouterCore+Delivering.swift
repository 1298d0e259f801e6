import BusProtocol
import ChannelEvents
import JSON
import MessageBus
import MessageStore

/// From the queues to the endpoints: offers, receipts, what comes back when a link is lost.
extension RouterCore {
    /// What the pump needs from the store before it can go on; `nil` when it needs nothing.
    func pageWanted() -> Question? {
        if routes.mustAsk, unassigned.needsPage {
            return .page(unassignedSession, after: unassigned.loadedThrough, limit: Mailbox.windowLimit)
        }
        for id in attached {
            guard let index = sessions.index(forKey: id) else { continue }
            guard sessions.values[index].room > 0 || sessions.values[index].parkedInbox != nil else { continue }
            if sessions.values[index].mailbox.needsPage {
                return .page(id, after: sessions.values[index].mailbox.loadedThrough, limit: Mailbox.windowLimit)
            }
            if unassigned.needsPage, defaultSession == id {
                return .page(unassignedSession, after: unassigned.loadedThrough, limit: Mailbox.windowLimit)
            }
        }
        return nil
    }

    mutating func take(page: [WaitingDelivery], for session: SessionID, asked: Int) {
        if session == unassignedSession {
            unassigned.take(page: page, asked: asked)
        } else {
            sessions[session]?.mailbox.take(page: page, asked: asked)
        }
    }

    /// Offers what waits to every session that has room, in the order of admission. What a session with hooks gets goes
    /// out back to back, conversation by conversation: it makes one turn of it.
    mutating func pump(now: Moment) {
        for id in attached {
            guard let index = sessions.index(forKey: id) else { continue }
            if sessions.values[index].parkedInbox != nil, answerParkedInbox(id, now) { continue }
            // Each offer may use up the room: what is taken now goes out now.
            let room = sessions.values[index].room
            guard room > 0 else { continue }
            var batch: [TakenDelivery] = []
            // The first push goes alone, and may be a digest.
            let most = sessions.values[index].phase == .probing ? DeliveryUnit.digestLimit : room
            while batch.count < most, let next = takeNext(for: id, at: index) { batch.append(next) }
            guard !batch.isEmpty else { continue }
            if sessions.values[index].turn.hasHooks { batch = TakenDelivery.byConversation(batch) }
            let units = DeliveryUnit.assemble(batch, rules(for: sessions.values[index]))
            for unit in units.prefix(room) { offer(unit, to: id, at: index, now) }
            if units.count > room { putBack(units.dropFirst(room).flatMap(\.items), for: id) }
        }
    }

    private mutating func putBack(_ items: [TakenDelivery], for id: SessionID) {
        unassigned.putBack(items.filter(\.wasUnassigned).map(\.delivery))
        sessions[id]?.mailbox.putBack(items.filter { !$0.wasUnassigned }.map(\.delivery))
    }

    /// Offers what goes out as one message; each of its events has its own row.
    private mutating func offer(_ unit: DeliveryUnit, to id: SessionID, at index: Sessions.Index, _ now: Moment) {
        let place = unit.place
        let offers = unit.offers + 1
        for item in unit.items {
            effects.changes.append(
                item.wasUnassigned
                    ? .assignment(item.delivery.event, to: id, .offered, offers: offers)
                    : .transition(id, item.delivery.event, .offered, offers: offers, reason: nil))
        }
        var delivery = unit.lead
        delivery.offers = unit.offers
        let carried = unit.items.dropFirst().map(\.delivery.event)
        if !carried.isEmpty {
            effects.changes.append(.turn(.lead(id, delivery.event, of: carried)))
            delivery.body = unit.body
            if unit.kind == .digest { gathering.noteDigested(place) }
        }
        if delivery.head.isFeed { gathering.noteWake(delivery.head, in: place, now: now.uptime) }
        note(place, usedBy: id)
        offer(
            delivery, to: id, at: index, place, carrying: carried,
            isPersons: unit.items.contains { $0.delivery.head.isPersons }, now)
    }

    /// The oldest of what waits for a session and, if it may take that, of what waits for nobody.
    mutating func takeNext(for id: SessionID, at index: Sessions.Index) -> TakenDelivery? {
        guard !sessions.values[index].mailbox.needsPage else { return nil }
        let gathering = gathering.isIdle ? nil : gathering
        func isHeld(_ delivery: WaitingDelivery) -> Bool { gathering?.holds(delivery) ?? false }
        if !unassigned.isEmpty, defaultSession == id {
            guard !unassigned.needsPage else { return nil }
            if let open = unassigned.first(unless: isHeld),
                open < sessions.values[index].mailbox.first(unless: isHeld) ?? .max
            {
                return unassigned.removeFirst(unless: isHeld).map { TakenDelivery(delivery: $0, wasUnassigned: true) }
            }
        }
        return sessions.values[index].mailbox.removeFirst(unless: isHeld).map {
            TakenDelivery(delivery: $0, wasUnassigned: false)
        }
    }

    typealias Sessions = [SessionID: Session]

    /// Puts a delivery on its way. Its change of state is the caller's: it stands in the same commit.
    mutating func offer(
        _ delivery: WaitingDelivery, to id: SessionID, at index: Sessions.Index, _ place: Place,
        carrying carried: [EventSequence] = [], isPersons: Bool? = nil, _ now: Moment
    ) {
        guard let link = sessions.values[index].link, let name = sourceNames[delivery.source] else { return }
        let age = now.wall.subtractingReportingOverflow(delivery.head.time).partialValue
        var offered = StoredDelivery(
            event: delivery.event, offers: delivery.offers + 1, place: place, id: delivery.head.id,
            isPersons: isPersons ?? delivery.head.isPersons)
        offered.carried = carried
        sessions.values[index].noteOffer(offered, now)
        batch(
            Delivery(
                id: delivery.event, source: name, head: delivery.head, redelivery: delivery.offers,
                staleAge: age > Self.staleAge ? age : nil, count: Int64(carried.count) + 1,
                image: delivery.image.flatMap { path(of: $0, for: link) }, body: delivery.body), to: link)
        if isTapWatched { tap(offered, of: id, .offered) }
        if !notices.isEmpty { endLine(place, of: id, now) }
    }

    /// Older than this, a message is marked stale with its age: the world may have moved on.
    static let staleAge: Int64 = 3_600_000

    /// Joins deliveries to one link into messages that the protocol's limits allow.
    struct OpenBatch {
        /// With one more delivery of the greatest size a message stays below ``BusLimits/messageBytes`` and its header
        /// below ``BusLimits/headerBytes``.
        static let bodyLimit = 1 << 20
        static let headLimit = 1 << 19

        let link: LinkID
        private(set) var deliveries: [Delivery] = []
        private var bodyBytes = 0
        private var headBytes = 0

        init(link: LinkID) {
            self.link = link
        }

        mutating func add(_ delivery: Delivery) {
            bodyBytes += delivery.body.count
            headBytes += delivery.head.greatestSize
            deliveries.append(delivery)
        }

        var isFull: Bool {
            deliveries.count == BusLimits.batch || bodyBytes >= Self.bodyLimit || headBytes >= Self.headLimit
        }
    }

    private mutating func batch(_ delivery: Delivery, to link: LinkID) {
        if let open = openBatch?.link, open != link { flushBatch() }
        if openBatch == nil { openBatch = OpenBatch(link: link) }
        openBatch?.add(delivery)
        if openBatch?.isFull == true { flushBatch() }
    }

    mutating func flushBatch() {
        guard let open = openBatch else { return }
        openBatch = nil
        // A link that was dropped meanwhile gets nothing; its deliveries stay offered and come again.
        guard let position = links.nextPosition(to: open.link) else { return }
        counters.add("deliveries.offered", Int64(open.deliveries.count))
        effects.send(.numbered(position, .deliver(open.deliveries)), to: open.link)
    }

    /// Remembers that a conversation used a session, which may from now on read and answer it.
    mutating func note(_ place: Place, usedBy id: SessionID) {
        guard lastSession[place] != id else { return }
        lastSession[place] = id
        effects.changes.append(.lastSession(place, id))
        effects.changes.append(.heard(id, place))
    }

    // MARK: What comes back

    /// RECEIPT.
    mutating func receive(_ receipt: Receipt, from link: LinkID, _ now: Moment) {
        guard case .endpoint(let id) = peers[link]?.kind else {
            return refuse(ProtocolError(.role, "RECEIPT is an endpoint's to say"), command: "RECEIPT", from: link)
        }
        if !receipt.written.isEmpty {
            notePulledWritten(Set(receipt.written), by: id, now)
            noteWritten(receipt.written, by: id, now)
        }
        if !receipt.verdicts.isEmpty { verdictsWritten(receipt.verdicts, by: id, now) }
        var open = Set(receipt.failed.isEmpty ? [] : sessions[id]?.inFlight.map(\.event) ?? [])
        for failure in receipt.failed where open.remove(failure.delivery) != nil {
            guard let index = sessions[id]?.inFlight.firstIndex(where: { $0.event == failure.delivery }),
                let item = sessions[id]?.inFlight.remove(at: index)
            else { continue }
            sessions[id]?.proof.unseen[item.event] = nil
            set(item, of: id, .dead, reason: String(failure.code.prefix(64)))
            if item.isPersons {
                tell(
                    "Your message could not be delivered (\(failure.code.prefix(64))).", to: item.place,
                    answering: item.id, now)
            }
            counters.add("deliveries.dead")
            if sessions[id]?.phase == .probed(item.event) { setPhase(.probing, of: id) }
        }
    }

    /// The answer of an `inbox` is on Claude Code's stdin: what it gave was seen.
    private mutating func notePulledWritten(_ events: Set<Int64>, by id: SessionID, _ now: Moment) {
        guard let pulled = sessions[id]?.pulled, !pulled.isEmpty else { return }
        sessions[id]?.pulled = pulled.filter { !events.contains($0.delivery.event) }
        for item in pulled where events.contains(item.delivery.event) {
            setLater(item.delivery, of: id, .seen, now)
            noteSeen(item.delivery, by: id, at: sessions[id]?.turn.lastSign ?? 0)
        }
    }

    mutating func noteWritten(_ events: [Int64], by id: SessionID, _ now: Moment) {
        guard var inFlight = sessions[id]?.inFlight else { return }
        sessions[id]?.inFlight = []
        var uncovered = sessions[id]?.uncovered ?? []
        sessions[id]?.uncovered = []
        // They come back in the order they went out, so the first is nearly always the one.
        var taken = 0
        // Only what is under way is looked for: a receipt may name half a million strangers.
        var open = events.count > 1 ? Set(inFlight.map(\.event)) : nil
        for event in events {
            if open != nil, open?.remove(event) == nil { continue }
            var index = taken
            while index < inFlight.count, inFlight[index].event != event { index += 1 }
            guard index < inFlight.count else { continue }
            if index != taken { inFlight.swapAt(index, taken) }
            let item = inFlight[taken]
            taken += 1
            setLater(item, of: id, .written, now)
            uncovered.append(item)
            if sessions[id]?.phase == .probed(event) {
                setPhase(.waiting(until: now.uptime + settings.firstPushWait), of: id)
            }
        }
        inFlight.removeFirst(taken)
        inFlight.sort { $0.event < $1.event }
        if uncovered.count > 2 * StoredState.uncoveredLimit {
            uncovered.removeFirst(uncovered.count - StoredState.uncoveredLimit)
        }
        sessions[id]?.inFlight = inFlight
        sessions[id]?.uncovered = uncovered
        sessions[id]?.written += Int64(taken)
        counters.add("deliveries.written", Int64(taken))
    }

    /// An endpoint attached: what was under way to its last link is written, if it says so, or waits again. What an
    /// earlier incarnation was written and never covered is offered once more.
    mutating func reclaim(_ id: SessionID, written: Set<Int64>, isNewIncarnation: Bool, _ now: Moment) {
        guard let session = sessions[id] else { return }
        let reported = session.inFlight.filter { written.contains($0.event) }
        if !reported.isEmpty { noteWritten(reported.map(\.event), by: id, now) }
        var returned = sessions[id]?.inFlight ?? []
        sessions[id]?.inFlight = []
        // Whether the answer of an `inbox` arrived nobody knows, unless it gave what had not been written before.
        notePulledWritten(written.subtracting(session.pulled.filter(\.wasWritten).map(\.delivery.event)), by: id, now)
        for item in sessions[id]?.pulled ?? [] {
            if item.wasWritten {
                sessions[id]?.uncovered.append(item.delivery)
            } else {
                returned.append(item.delivery)
            }
        }
        if sessions[id]?.pulled.isEmpty == false { sessions[id]?.uncovered.sort { $0.event < $1.event } }
        sessions[id]?.pulled = []
        if isNewIncarnation {
            let hadHooks = session.turn.hasHooks
            for item in sessions[id]?.uncovered ?? [] {
                // Where hooks prove what is seen this was not; where none do it may have been, and comes once more.
                if hadHooks || item.offers == 1 {
                    returned.append(item)
                } else {
                    set(item, of: id, .done, reason: "uncovered")
                }
            }
            sessions[id]?.uncovered = []
            beginTurns(of: id, now)
        } else {
            sessions[id]?.resumeHearing(now)
            if session.proof.deafness == nil { endOutage(of: id) }
        }
        guard let oldest = returned.flatMap({ [$0.event] + $0.carried }).min() else { return }
        for item in returned {
            // It was not even written.
            sessions[id]?.proof.unseen[item.event] = nil
            set(item, of: id, .waiting)
        }
        sessions[id]?.mailbox.rewind(to: oldest, adding: returned.reduce(0) { $0 + 1 + Int64($1.carried.count) })
        counters.add("deliveries.returned", Int64(returned.count))
    }

    /// Something only a real session does: from now on it gets everything.
    mutating func prove(_ id: SessionID) {
        guard var session = sessions[id], session.isAttached,
            session.phase != .ready || session.record.instance != session.instance
        else { return }
        session.record.instance = session.instance
        sessions[id] = session
        setPhase(.ready, of: id)
        endOutage(of: id)
        effects.changes.append(.session(session.record))
        if isTapWatched { tap("session", ["session": .string(session.record.label), "state": "ready"]) }
    }

    /// What time alone does to a session.
    mutating func advance(_ id: SessionID, _ now: Moment) {
        guard let session = sessions[id] else { return }
        switch session.phase {
        case .settling(let until) where until <= now.uptime: setPhase(.probing, of: id)
        case .waiting(let until) where until <= now.uptime: prove(id)
        default: break
        }
        passTurn(of: id, now)
        if let parked = session.parkedInbox, parked.until <= now.uptime {
            answerParkedInbox(id, now, evenIfEmpty: true)
        }
    }

    /// A reply, a pass or a pull covers what was written: it was seen.
    mutating func cover(_ id: SessionID, state: DeliveryState, where isCovered: (StoredDelivery) -> Bool) {
        let owned = sessions[id]?.proof.takeOwned { isCovered($0.delivery) }.map(\.delivery) ?? []
        let known = (sessions[id]?.uncovered ?? []) + (sessions[id]?.pulled.map(\.delivery) ?? [])
        guard !owned.isEmpty || known.contains(where: isCovered) else { return }
        sessions[id]?.uncovered.removeAll(where: isCovered)
        sessions[id]?.pulled.removeAll { isCovered($0.delivery) }
        for item in known where isCovered(item) { heard(item, by: id) }
        for item in owned + known.filter(isCovered) { set(item, of: id, state) }
        for place in Set((owned + known).filter(isCovered).map(\.place)) where state == .answered {
            // Our message takes the platform's sign away.
            notices.typing[place] = nil
        }
    }
}

/// A delivery that was taken out of a queue to be offered.
struct TakenDelivery {
    var delivery: WaitingDelivery
    /// It waited for nobody.
    var wasUnassigned: Bool

    /// Grouped by conversation, in the order in which each has its first; within one the order stays.
    static func byConversation(_ batch: [TakenDelivery]) -> [TakenDelivery] {
        var order: [Place: Int] = [:]
        var groups: [[TakenDelivery]] = []
        for item in batch {
            let head = item.delivery.head
            let place = Place(source: item.delivery.source, chat: head.chat, thread: head.thread)
            if let index = order[place] {
                groups[index].append(item)
            } else {
                order[place] = groups.count
                groups.append([item])
            }
        }
        return groups.flatMap(\.self)
    }
}

extension EventHead {
    /// What a head may take as JSON at most: a control character becomes six bytes.
    fileprivate var greatestSize: Int {
        let text = id.utf8.count + chat.utf8.count + sender.utf8.count + kind.rawValue.utf8.count
        let optional = (thread?.utf8.count ?? 0) + (group?.utf8.count ?? 0) + (replyTo?.utf8.count ?? 0)
        let pressed = (action?.utf8.count ?? 0) + roles.reduce(0) { $0 + $1.utf8.count + 3 }
        return 256 + 6 * (text + optional + pressed)
    }
}
