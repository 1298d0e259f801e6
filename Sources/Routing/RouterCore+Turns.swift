import BusProtocol
import ChannelEvents
import FormattedText
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
        if let reminder = reminder(for: id, at: hook, now) { return reminder }
        let change = sessions[id]?.turn.hear(hook, now: now.uptime) ?? .none
        noteTurn(change, of: id, because: hook, now)
        if hook.name == "PreToolUse" { return stopAnswer(for: id, now) }
        // A proof that came late is of a turn that has ended: nobody else will settle it.
        if hook.name == "UserPromptSubmit", sessions[id]?.turn.isWorking == false {
            settleTurn(of: id, .stop, because: nil, now)
        }
        return nil
    }

    /// What time alone does to a turn, and to a session that does not take what it is given.
    mutating func passTurn(of id: SessionID, _ now: Moment) {
        guard let index = sessions.index(forKey: id) else { return }
        if !leftAtWork.isEmpty, sessions.values[index].isAttached { leftAtWork.remove(id) }
        if let due = sessions.values[index].turn.deadline, due <= now.uptime {
            let change = sessions[id]?.turn.pass(now: now.uptime) ?? .none
            noteTurn(change, of: id, because: nil, now)
        }
        if !leftAtWork.isEmpty, sessions[id]?.turn.isWorking != true { leftAtWork.remove(id) }
        if let due = sessions[id]?.deafnessDue, due <= now.uptime { noteDeaf(id, now) }
    }

    private mutating func noteTurn(
        _ change: SessionTurn.Change, of id: SessionID, because hook: HookReport?, _ now: Moment
    ) {
        guard change != .none else { return }
        keepTurn(of: id)
        if isTapWatched, let session = sessions[id] {
            tap("session", ["session": .string(session.record.label), "state": .string(session.word)])
        }
        guard case .ended(let end) = change else { return }
        settleTurn(of: id, end, because: hook, now)
        settleStop(of: id, end, now)
    }

    // MARK: The end of a turn

    /// A person waits for an answer at the end of a turn: Claude is reminded once. A turn that another hook kept going
    /// already is let go.
    private mutating func reminder(for id: SessionID, at hook: HookReport, _ now: Moment) -> JSONValue? {
        guard hook.name == "Stop", hook.wantsAnswer, let session = sessions[id], session.turn.isEnded(by: hook),
            !session.turn.wasReminded, session.stopAskedIn == nil,
            hook.members[HookMember.stopIsActive]?.boolValue != true
        else { return nil }
        let unanswered = session.proof.owned.map(\.delivery).filter { $0.isPersons && mayReach($0.place) }
        guard !unanswered.isEmpty else { return nil }
        sessions[id]?.turn.remind(hook, now: now.uptime)
        counters.add("turns.reminded")
        let chats = Set(unanswered.compactMap { conversation(of: $0.place)?.description }).sorted()
        return [
            "decision": "block",
            "reason": .string(
                """
                Somebody waits for an answer in \(chats.prefix(8).joined(separator: ", ")). What you write outside the \
                tool `reply` reaches nobody there. Answer with `reply` and that chat_id, or call `pass` if no answer is \
                needed; then end your turn.
                """),
        ]
    }

    func conversation(of place: Place) -> Conversation? {
        sourceNames[place.source].map { Conversation(source: $0, chat: place.chat, thread: place.thread) }
    }

    /// What a turn owned and nobody answered is done with; the persons who wait learn so.
    private mutating func settleTurn(
        of id: SessionID, _ end: SessionTurn.End, because hook: HookReport?, _ now: Moment
    ) {
        guard let session = sessions[id] else { return }
        let left = sessions[id]?.proof.takeOwned(where: { $0.seen <= session.turn.ended }).map(\.delivery) ?? []
        if !session.turn.isWorking {
            endTyping(of: id, now)
            sessions[id]?.proof.endTurn()
        }
        let waiting = left.filter(\.isPersons)
        let transcript = end == .stop ? transcript(of: session, for: Set(waiting.map(\.place)), from: hook) : nil
        let sent = transcript.map { say(transcript: $0, of: id, to: waiting, now) } ?? false
        for item in left {
            set(
                item, of: id, sent && item.isPersons ? .answered : .done, reason: sent ? "transcript" : end.rawValue)
        }
        guard !sent else { return }
        var told: Set<Place> = []
        for item in waiting.reversed() where told.insert(item.place).inserted {
            tell(end.sentence(session.record.label), to: item.place, answering: item.id, now)
        }
    }

    /// Claude's closing words, where they can only be meant for the one who waits: a turn of one conversation, in which
    /// nobody typed at the terminal.
    private func transcript(of session: Session, for places: Set<Place>, from hook: HookReport?) -> String? {
        guard settings.turns.answersWithTranscript, places.count == 1, session.proof.places == places,
            !session.turn.wasTyped, let text = hook?.members[HookMember.lastMessage]?.stringValue
        else { return nil }
        let isEmpty = text.allSatisfy(\.isWhitespace)
        return isEmpty ? nil : text
    }

    private mutating func say(transcript text: String, of id: SessionID, to waiting: [StoredDelivery], _ now: Moment)
        -> Bool
    {
        guard let place = waiting.last?.place, let last = waiting.last,
            obstacle(to: "send", at: place, session: id, hasHeard: true) == nil
        else { return false }
        let shown = rendered(markdown: text, for: place.source).prefixed(by: answerPrefix(of: id, in: place))
        let messages = messages(shown, for: place.source)
        let asked = OutboxPart(
            key: "transcript:\(id):\(last.event)", session: id, source: place.source, chat: place.chat,
            thread: place.thread, replyTo: last.id, verb: "send", arguments: [], digest: 0, created: now.wall)
        guard (1...Self.messageLimit).contains(messages.count), !outbox.holds(asked.key) else { return false }
        noteSpeaker(id, in: place)
        effects.changes += outbox.add(Self.parts(of: asked, messages, nil)).map(StoreChange.newPart)
        counters.add("outbox.accepted")
        runLanes(now)
        return true
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
        endOutage(of: id)
        if isTapWatched, let session = sessions[id] {
            tap("session", ["session": .string(session.record.label), "state": .string(session.word)])
        }
    }

    private mutating func noteDeaf(_ id: SessionID, _ now: Moment) {
        guard let session = sessions[id] else { return }
        sessions[id]?.proof.deafness = SessionProof.Deafness(cause: session.likelyCause, since: now.wall)
        keepTurn(of: id)
        tellDeaf(id, now)
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
        sessions[id]?.turn.leave(now: now.uptime)
        settleTurn(of: id, .session, because: nil, now)
        settleStop(of: id, .session, now)
        let expectsHooks = session.turn.hasHooks || session.proof.expectsHooks
        sessions[id]?.turn = SessionTurn()
        sessions[id]?.proof = SessionProof()
        sessions[id]?.proof.expectsHooks = expectsHooks
        sessions[id]?.proof.deafAfter = settings.turns.deafAfter
        if expectsHooks { keepTurn(of: id) }
    }

    mutating func keepTurn(of id: SessionID) {
        guard let session = sessions[id] else { return }
        effects.changes.append(.turn(.record(id, record(of: id, hasHooks: session.turn.hasHooks))))
    }

    private func record(of id: SessionID, hasHooks: Bool) -> TurnRecord {
        guard let session = sessions[id] else { return TurnRecord() }
        return TurnRecord(
            instance: session.instance, hasHooks: hasHooks, expectsHooks: session.proof.expectsHooks,
            isWorking: session.turn.isWorking, ended: session.turn.ended, deaf: session.proof.deafness?.cause,
            stopAskedIn: session.stopAskedIn)
    }
}

extension SessionTurn.End {
    /// What somebody is told who waits for an answer of this session.
    fileprivate func sentence(_ label: String) -> String {
        switch self {
        case .stop, .idle: return "\(label) ended its turn without an answer."
        case .failure:
            return
                "\(label) could not finish its turn: the model or the network failed. Write again to have it tried again."
        case .session: return "\(label) was closed before it answered."
        case .stopped: return "\(label) was stopped before it answered."
        case .silence: return "\(label) has gone silent before it answered: it may have been interrupted."
        }
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
        stopAskedIn = record.stopAskedIn
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
