import BusProtocol
import ChannelEvents
import JSON
import MessageBus
import MessageStore

/// The permission relay: a prompt of Claude Code from the time it is asked until its verdict is written.
extension RouterCore {
    func permissionQuestion(from link: LinkID) -> Question? {
        guard case .endpoint(let id) = peers[link]?.kind, let heard = relay.heard[id] else { return nil }
        let events = heard.events.compactMap { key in sources[key.source].map { (source: $0.id, id: key.id) } }
        return events.isEmpty ? nil : .permission(.takenIn(events))
    }

    /// ASK.
    mutating func receive(_ request: PermissionRequest, from link: LinkID, knowing fact: Fact, _ now: Moment) {
        guard case .endpoint(let id) = peers[link]?.kind, let session = sessions[id] else {
            return refuse(ProtocolError(.role, "ASK is an endpoint's to say"), command: "ASK", from: link)
        }
        // A handshake that vanishes asks for nothing.
        prove(id)
        guard (1...64).contains(request.request.utf8.count), (1...512).contains(request.tool.utf8.count) else {
            return refuse(
                ProtocolError(.malformed, "ASK needs a request of 1 to 64 bytes and a tool of 1 to 512"),
                command: "ASK", from: link)
        }
        for known in relay.prompts.values.sorted(by: { $0.record.id < $1.record.id })
        where known.record.session == id && known.record.incarnation == session.record.incarnation
            && known.record.request == request.request && !(known.record.isWritten && !known.record.isOpen)
        {
            guard known.record.isOpen else {
                // It was asked again because the router's answer was lost, not because there is a second one.
                return sendVerdict(known.record.id, now)
            }
            if known.record.tool == request.tool, known.record.preview == request.preview { return }
            endPrompt(known.record.id, "asked-anew", now)
        }
        guard relay.open(in: id).count < PermissionRelay.sessionLimit, relay.open.count < PermissionRelay.limit else {
            return refuse(
                ProtocolError(.flood, "\(PermissionRelay.sessionLimit) prompts of this session are open already"),
                command: "ASK", from: link)
        }
        begin(request, in: session, knowing: fact, now)
    }

    private mutating func begin(
        _ request: PermissionRequest, in session: Session, knowing fact: Fact, _ now: Moment
    ) {
        var takenIn: [TakenIn] = []
        if case .permission(.takenIn(let events)) = fact { takenIn = events }
        let id = session.record.id
        let heard = relay.heard[id]
        let limit = settings.permissions.limit
        var prompt = PermissionPrompt(
            PromptRecord(
                id: relay.nextPrompt(), session: id, incarnation: session.record.incarnation,
                request: request.request, code: relay.code(for: request.request, draw: draw), tool: request.tool,
                about: request.description, preview: request.preview, outside: outsideText(takenIn, of: session),
                asked: now.wall, due: now.wall + limit), due: now.uptime + limit)
        prompt.askedAt = now.uptime
        prompt.inputUntil = heard?.hasHooks ?? false ? now.uptime + PermissionRelay.inputPatience : nil
        prompt.cardsAt = now.uptime + (heard?.beganAtTerminal ?? false ? settings.permissions.cardDelay : 0)
        prompt.origins = origins(takenIn, of: session)
        relay[prompt.record.id] = prompt
        relay.trim()
        counters.add("prompts.asked")
        effects.changes.append(.permission(.prompt(prompt.record)))
        audit("prompt-asked", prompt.record, actor: "session")
        tapPrompt(prompt.record, "asked")
        advancePrompt(prompt.record.id, now)
    }

    /// The conversations that wait for this turn, the one that began it first. Where no hook tells, the newest that the
    /// session was given and has not answered.
    private func origins(_ takenIn: [TakenIn], of session: Session) -> [Place] {
        var places: [Place] = []
        for event in takenIn where !places.contains(event.place) { places.append(event.place) }
        if places.isEmpty, relay.heard[session.record.id]?.hasHooks != true, let last = session.uncovered.last {
            places = [last.place]
        }
        return places
    }

    private func outsideText(_ takenIn: [TakenIn], of session: Session) -> String {
        guard !takenIn.isEmpty else {
            guard relay.heard[session.record.id]?.hasHooks == true else {
                return "Whether this turn read messages from outside is not known."
            }
            return "This turn read no message from outside."
        }
        var lines: [(who: String, count: Int)] = []
        for event in takenIn {
            guard let name = sourceNames[event.source] else { continue }
            let place = Conversation(source: name, chat: event.place.chat, thread: event.place.thread)
            let who = CardText.line(
                "\(name.text):\(event.sender) in \(place), \(CardText.time(event.time))", limit: 160)
            let isSame = event.sender == takenIn.first?.sender && !lines.isEmpty && takenIn.count > 6
            if isSame { lines[lines.count - 1].count += 1 } else { lines.append((who, 1)) }
        }
        let shown = lines.prefix(5).map { $0.count > 1 ? "\($0.who) (\($0.count) messages)" : $0.who }
        let more = lines.count > 5 ? ", and \(lines.count - 5) more" : ""
        return "Before it asked, this turn read: \(shown.joined(separator: "; "))\(more)."
    }

    // MARK: Time

    mutating func tickPrompts(_ now: Moment) {
        guard !relay.open.isEmpty else { return }
        for id in relay.open.sorted() {
            guard let prompt = relay[id] else { continue }
            if let since = relay.awaySince[prompt.record.session], now.uptime - since >= PermissionRelay.awayLimit {
                endPrompt(id, "session-away", now)
            } else {
                advancePrompt(id, now)
            }
        }
        for session in relay.awaySince.keys where relay.open(in: session).isEmpty { relay.awaySince[session] = nil }
    }

    /// Does what a prompt is ready for: its arguments, a grant, its cards, its limit.
    mutating func advancePrompt(_ id: Int64, _ now: Moment) {
        guard var prompt = relay[id], prompt.record.isOpen else { return }
        if prompt.inputUntil != nil {
            guard takeInput(&prompt, now) else { return }
            relay[id] = prompt
            effects.changes.append(.permission(.prompt(prompt.record)))
            if useGrant(for: prompt, now) { return }
        }
        if let at = prompt.cardsAt, at <= now.uptime {
            relay[id]?.cardsAt = nil
            showPrompt(id, now)
        } else if prompt.cardsAt == nil, prompt.isHelpless {
            showPrompt(id, now)
        }
        if prompt.due <= now.uptime { overrun(id, now) }
    }

    /// - Returns: whether it need not be waited for any longer.
    private mutating func takeInput(_ prompt: inout PermissionPrompt, _ now: Moment) -> Bool {
        let session = prompt.record.session
        let tool = prompt.record.tool
        let isOver = prompt.inputUntil.map { $0 <= now.uptime } ?? true
        let others = relay.open(in: session).contains {
            $0.record.id != prompt.record.id && $0.record.tool == tool && $0.inputUntil != nil
        }
        // An abridged text could still be another call's, whose hook is on its way.
        if InputPreview.isAbridged(prompt.record.preview), !isOver { return false }
        let match =
            relay.heard[session]?.match(
                tool: tool, preview: prompt.record.preview, asked: prompt.askedAt, others: others) ?? .none
        switch match {
        case .found(let input, let certain, let use):
            prompt.record.input = input.bytes
            prompt.record.toolUse = use
            prompt.isCertain = certain
            relay.heard[session]?.claim(tool: tool, input)
        case .ambiguous:
            guard isOver else { return false }
        case .none:
            guard isOver else { return false }
            if let only = relay.heard[session]?.onlyUse(of: tool, preview: prompt.record.preview) {
                prompt.record.input = only.input.bytes
                prompt.record.toolUse = only.use
            }
        }
        prompt.inputUntil = nil
        return true
    }

    // MARK: What shows that it is over

    /// A hook of a session: what was asked in full, and what shows that a prompt was answered at the terminal.
    mutating func relayHeard(_ hook: HookReport, in id: SessionID, _ now: Moment) {
        relay.heard[id, default: HeardCalls()].note(hook, now: now)
        guard !relay.open.isEmpty else { return }
        switch hook.name {
        case "PermissionRequest", "PreToolUse":
            for prompt in relay.open(in: id) where prompt.inputUntil != nil { advancePrompt(prompt.record.id, now) }
        case "PostToolUse", "PostToolUseFailure":
            guard let use = hook.members[HookMember.toolUse]?.stringValue else { return }
            for prompt in relay.open(in: id) where prompt.record.toolUse == use {
                endPrompt(prompt.record.id, "answered-at-terminal", now)
            }
        case "UserPromptSubmit":
            // Hooks run side by side: one that began before the prompt says nothing about it.
            for prompt in relay.open(in: id) where hook.at > prompt.record.asked {
                endPrompt(prompt.record.id, "answered-at-terminal", now)
            }
        case "SessionEnd" where hook.members[HookMember.reason]?.stringValue != "clear":
            endPrompts(of: id, "session-ended", now)
        default: break
        }
    }

    /// An endpoint was welcomed.
    mutating func relayAttached(_ id: SessionID, isNewIncarnation: Bool, _ now: Moment) {
        relay.awaySince[id] = nil
        if isNewIncarnation { relay.heard[id] = nil }
        let incarnation = sessions[id]?.record.incarnation
        for prompt in relay.prompts.values.sorted(by: { $0.record.id < $1.record.id })
        where prompt.record.session == id {
            if prompt.record.isOpen {
                if prompt.record.incarnation != incarnation { endPrompt(prompt.record.id, "session-ended", now) }
            } else if !prompt.record.isWritten {
                sendVerdict(prompt.record.id, now)
            }
        }
    }

    /// An endpoint's link is gone; it may come back.
    mutating func relayLost(_ id: SessionID, _ now: Moment) {
        if !relay.open(in: id).isEmpty { relay.awaySince[id] = now.uptime }
    }

    mutating func endPrompts(of id: SessionID, _ reason: String, _ now: Moment) {
        for prompt in relay.open(in: id) { endPrompt(prompt.record.id, reason, now) }
    }

    mutating func endPrompt(_ id: Int64, _ reason: String, _ now: Moment) {
        guard var prompt = relay[id], prompt.record.isOpen else { return }
        prompt.end(reason, at: now.wall)
        close(prompt, now)
        audit("prompt-ended", prompt.record, actor: "router", rule: reason)
    }

    /// Stores how a prompt ended and shows it everywhere.
    mutating func close(_ prompt: PermissionPrompt, _ now: Moment) {
        relay[prompt.record.id] = prompt
        effects.changes.append(.permission(.prompt(prompt.record)))
        counters.add("prompts.\(prompt.record.word)")
        tapPrompt(prompt.record, prompt.record.word)
        repaint(prompt.record.id, now)
        // A command may hold secrets, and is no longer needed.
        relay[prompt.record.id]?.forgetArguments()
        relay.trim()
    }

    // MARK: The verdict

    /// Tells the endpoint, now and on every new link until it says that it wrote it. Never queued behind deliveries.
    mutating func sendVerdict(_ id: Int64, _ now: Moment) {
        guard let record = relay[id]?.record, !record.isOpen, !record.isWritten, let session = sessions[record.session]
        else { return }
        guard session.record.incarnation == record.incarnation else {
            // Whoever asked is gone, and nobody else's prompt may be answered by it.
            return noteWritten(id)
        }
        guard let link = session.link, let position = links.nextPosition(to: link) else { return }
        effects.send(
            .numbered(position, .verdict(Verdict(request: record.request, allow: record.state == .allowed))), to: link)
    }

    /// The endpoint wrote these verdicts.
    mutating func verdictsWritten(_ requests: [String], by id: SessionID, _ now: Moment) {
        let incarnation = sessions[id]?.record.incarnation
        for prompt in relay.prompts.values
        where prompt.record.session == id && prompt.record.incarnation == incarnation && !prompt.record.isOpen
            && !prompt.record.isWritten && requests.contains(prompt.record.request)
        {
            noteWritten(prompt.record.id)
            tapPrompt(prompt.record, "written")
        }
    }

    private mutating func noteWritten(_ id: Int64) {
        guard var record = relay[id]?.record else { return }
        record.isWritten = true
        relay[id]?.record = record
        effects.changes.append(.permission(.prompt(record)))
    }

    // MARK: For the record

    mutating func audit(
        _ kind: String, _ record: PromptRecord, actor: String, conversation: String? = nil, event: String? = nil,
        rule: String? = nil
    ) {
        effects.changes.append(
            .audit(
                AuditEntry(
                    kind: kind, actor: actor, conversation: conversation, event: event,
                    session: sessions[record.session]?.record.label, rule: rule,
                    detail: "prompt \(record.id) \(CardText.line(record.tool, limit: 64))")))
    }

    mutating func tapPrompt(_ record: PromptRecord, _ state: String) {
        guard isTapWatched else { return }
        tap(
            "prompt",
            [
                "prompt": .integer(record.id), "session": .string(sessions[record.session]?.record.label ?? ""),
                "tool": .string(CardText.line(record.tool, limit: 64)), "state": .string(state),
            ])
    }
}

extension PromptRecord {
    var word: String {
        switch state {
        case .open: "open"
        case .allowed: "allowed"
        case .denied: "denied"
        case .ended: "ended"
        }
    }
}
