import BusProtocol
import ChannelEvents
import JSON
import MessageBus
import MessageStore

/// The turns of sessions: what hooks say about them, and what follows for deliveries.
extension RouterCore {
    /// A hook of a session, for its turn machine. Gives what Claude Code is told, where that is something.
    mutating func turnHeard(_ hook: HookReport, in id: SessionID, _ now: Moment) -> JSONValue? {
        guard let before = sessions[id] else { return nil }
        if !before.turn.hasHooks { beginProving(id, now) }
        if hook.name == "UserPromptSubmit" {
            for event in hook.members[HookMember.events]?.arrayValue ?? [] {
                guard let key = event.stringValue.flatMap(EventKey.init) else { continue }
                noteSeen(key, by: id, at: hook.at, now)
            }
        }
        let change = sessions[id]?.turn.hear(hook, now: now.uptime) ?? .none
        return noteTurn(change, of: id, because: hook, now)
    }

    /// What time alone does to a turn, and to a session that does not take what it is given.
    mutating func passTurn(of id: SessionID, _ now: Moment) {
        guard let session = sessions[id] else { return }
        if let due = session.turn.deadline, due <= now.uptime {
            let change = sessions[id]?.turn.pass(now: now.uptime) ?? .none
            _ = noteTurn(change, of: id, because: nil, now)
        }
        if let due = sessions[id]?.deafnessDue, due <= now.uptime { noteDeaf(id, now) }
    }

    private mutating func noteTurn(
        _ change: SessionTurn.Change, of id: SessionID, because hook: HookReport?, _ now: Moment
    ) -> JSONValue? {
        guard change != .none else { return nil }
        keepTurn(of: id)
        if isTapWatched, let session = sessions[id] {
            tap("session", ["session": .string(session.record.label), "state": .string(session.word)])
        }
        guard case .ended(let end) = change else { return nil }
        return settleTurn(of: id, end, because: hook, now)
    }

    /// A turn ended: what it owned and nobody answered is done with.
    private mutating func settleTurn(
        of id: SessionID, _ end: SessionTurn.End, because hook: HookReport?, _ now: Moment
    ) -> JSONValue? {
        guard let ended = sessions[id]?.turn.ended else { return nil }
        for item in sessions[id]?.proof.takeOwned(where: { $0.seen <= ended }) ?? [] {
            set(item.delivery, of: id, .done, reason: end.rawValue)
        }
        return nil
    }

    // MARK: Proofs

    /// The first hook of a process: from now on what it was given must be proved seen. Before it there was no prompt, so
    /// nothing was.
    private mutating func beginProving(_ id: SessionID, _ now: Moment) {
        guard let session = sessions[id] else { return }
        for item in session.inFlight + session.uncovered { sessions[id]?.proof.unseen[item.event] = now.uptime }
        effects.changes.append(.turn(.record(id, record(of: id, hasHooks: true))))
    }

    /// A prompt carried this event: it was seen, whatever receipt may still come.
    private mutating func noteSeen(_ key: EventKey, by id: SessionID, at seen: Int64, _ now: Moment) {
        guard let source = sources[key.source]?.id, let session = sessions[id] else { return }
        func isMeant(_ item: StoredDelivery) -> Bool { item.id == key.id && item.place.source == source }
        if let index = session.uncovered.firstIndex(where: isMeant) {
            sessions[id]?.uncovered.remove(at: index)
            noteSeen(session.uncovered[index], by: id, at: seen)
            set(session.uncovered[index], of: id, .seen)
        } else if let index = session.inFlight.firstIndex(where: isMeant) {
            sessions[id]?.inFlight.remove(at: index)
            noteSeen(session.inFlight[index], by: id, at: seen)
            set(session.inFlight[index], of: id, .seen)
        }
    }

    /// Something that was given was seen; its change of state is the caller's.
    mutating func noteSeen(_ item: StoredDelivery, by id: SessionID, at seen: Int64) {
        heard(item, by: id)
        sessions[id]?.proof.own(item, seen: seen)
    }

    /// Something that was given was taken in, so the session is not deaf.
    mutating func heard(_ item: StoredDelivery, by id: SessionID) {
        sessions[id]?.proof.unseen[item.event] = nil
        sessions[id]?.proof.hasSeen = true
        guard sessions[id]?.proof.deafness != nil else { return }
        sessions[id]?.proof.deafness = nil
        keepTurn(of: id)
        if isTapWatched, let session = sessions[id] {
            tap("session", ["session": .string(session.record.label), "state": .string(session.word)])
        }
    }

    private mutating func noteDeaf(_ id: SessionID, _ now: Moment) {
        guard let session = sessions[id] else { return }
        sessions[id]?.proof.deafness = SessionProof.Deafness(cause: session.likelyCause, since: now.wall)
        keepTurn(of: id)
        counters.add("sessions.deaf")
        if isTapWatched {
            tap(
                "session",
                [
                    "session": .string(session.record.label), "state": "deaf", "cause": .string(session.likelyCause),
                ])
        }
    }

    // MARK: What is kept

    /// A new process of a session: nothing is known of its turns but that the last one had hooks.
    mutating func beginTurns(of id: SessionID, _ now: Moment) {
        guard let session = sessions[id] else { return }
        for item in sessions[id]?.proof.takeOwned(where: { _ in true }) ?? [] {
            set(item.delivery, of: id, .done, reason: SessionTurn.End.session.rawValue)
        }
        let expectsHooks = session.turn.hasHooks || session.proof.expectsHooks
        sessions[id]?.turn = SessionTurn()
        sessions[id]?.proof = SessionProof()
        sessions[id]?.proof.expectsHooks = expectsHooks
        if expectsHooks { keepTurn(of: id) }
    }

    private mutating func keepTurn(of id: SessionID) {
        guard let session = sessions[id] else { return }
        effects.changes.append(.turn(.record(id, record(of: id, hasHooks: session.turn.hasHooks))))
    }

    private func record(of id: SessionID, hasHooks: Bool) -> TurnRecord {
        guard let session = sessions[id] else { return TurnRecord() }
        return TurnRecord(
            instance: session.instance, hasHooks: hasHooks, expectsHooks: session.proof.expectsHooks,
            isWorking: session.turn.isWorking, ended: session.turn.ended, deaf: session.proof.deafness?.cause)
    }
}

extension Session {
    /// What a router that starts anew knows of this session's turns.
    mutating func restoreTurn(_ record: TurnRecord?, seen: [StoredDelivery], _ now: Moment) {
        guard let record else { return }
        turn = SessionTurn(
            hasHooks: record.hasHooks, isWorking: record.isWorking, ended: record.ended, now: now.uptime)
        proof.expectsHooks = record.expectsHooks
        proof.deafness = record.deaf.map { SessionProof.Deafness(cause: $0) }
        for item in seen { proof.own(item, seen: record.ended) }
        if record.hasHooks || record.expectsHooks {
            for item in inFlight + uncovered { proof.unseen[item.event] = now.uptime }
        }
    }

    /// Its link is new, it is the same: what it was given before it may see only now.
    mutating func resumeHearing(_ now: Moment) {
        for event in proof.unseen.keys { proof.unseen[event] = now.uptime }
    }

    /// Something urgent may be written although the session works.
    var mayBeInterrupted: Bool {
        guard phase == .ready, parkedInbox == nil, inFlight.count < credit, let holds else { return false }
        return holds == "busy" || holds == "unseen"
    }
}
