import AccessControl
import BusProtocol
import ChannelEvents
import MessageStore

/// What follows from access: refusals and pairing, who may be reached, where a person is.
extension RouterCore {
    /// Joins what the configuration says with what `switchboard access` changed.
    mutating func recomputePolicy() {
        var joined = settings.access
        joined.kinds = settings.kinds
        joined.ceiling = settings.managed?.ceiling
        joined.isStatic = settings.isAccessStatic
        // What was changed before rests while the configuration is all there is, and holds again after it.
        if !settings.isAccessStatic {
            for amendment in access.amendments.compactMap(AccessAmendment.init) { joined.apply(amendment) }
        }
        // An adapter for somebody's own account sees every friend's messages: nobody there is offered a code.
        for (name, source) in sources where source.hello?.abilities.features.contains("personal") ?? false {
            if joined[name].directPolicy == nil { joined[name].directPolicy = .allowlist }
        }
        policy = joined
    }

    /// After a reload: adapters that the administrator's policy does not allow any more are sent away.
    mutating func turnAwayForbiddenAdapters(_ now: Moment) {
        guard let managed = settings.managed else { return }
        for (name, source) in sources where !managed.ceiling.allows(kind: policy.kind(of: name)) {
            guard let link = source.link else { continue }
            turnAway(
                link,
                ProtocolError(
                    .notAllowed, "adapters of the kind \(policy.kind(of: name)) are not allowed by \(managed.file)"))
            drop(link, now)
        }
    }

    /// Decides one event, with what is remembered beside the configuration.
    func decide(
        _ head: EventHead, from name: SourceName, _ source: SourceID, text: () -> String, with book: AccessBook,
        _ now: Moment
    ) -> Decision {
        let rules = policy[name]
        guard head.authentication == .platform else { return policy.decide(head, from: name) }
        let place = Place(source: source, chat: head.chat, thread: head.thread)
        var context = book.context(
            head, place, rules, isKnown: routes.bindings[place] != nil, now)
        if !head.flags.contains(.direct), rules.readsText(in: head.chat) { context.text = text() }
        return policy.decide(head, from: name, context: context)
    }

    /// A fresh event whose sender was let in.
    mutating func noteLetIn(_ head: EventHead, _ source: SourceID, _ decision: Decision, _ now: Moment) {
        if head.authentication == .platform {
            let place = Place(source: source, chat: head.chat, thread: head.thread)
            if access.note(head, place, now) { effects.changes.append(.access(.addressed(place))) }
        }
        if let admission = access.noteAdmission(head, of: source, by: decision.rule) {
            effects.changes.append(
                .access(.admission(ChatKey(source: source, chat: head.chat), admission)))
        }
    }

    /// A fresh event whose sender is not let in.
    mutating func turnAway(_ head: EventHead, from source: SourceName, _ decision: Decision, _ now: Moment) {
        refuseStrangersTap(head, from: source, now)
        let conversation = Conversation(source: source, chat: head.chat, thread: head.thread)
        let address = Address(source: source, id: head.sender)
        let isNews = access.noteRefused(
            AccessBook.Refused(
                address: address, conversation: conversation, rule: decision.rule, at: now.wall,
                isDirect: head.flags.contains(.direct)))
        if decision.rule == .unpaired { offerPairing(head, from: source, now) }
        // The event itself is stored each time; a stranger who floods must not flood the audit.
        guard isNews else { return }
        effects.changes.append(
            .audit(
                AuditEntry(
                    kind: "refused", actor: address.description, conversation: conversation.description,
                    event: EventKey(source: source, id: head.id).description, rule: decision.rule.rawValue)))
    }

    /// Tells a stranger his code: twice at most, and only three strangers of a source at once.
    private mutating func offerPairing(_ head: EventHead, from name: SourceName, _ now: Moment) {
        guard let source = sources[name]?.id else { return }
        for (code, old) in access.pairings where !access.isValid(old, now) {
            access.pairings[code] = nil
            effects.changes.append(.access(.endPairing(code)))
        }
        let open = access.pairings.values.filter { $0.source == source }
        var pairing: Pairing
        if let known = open.first(where: { $0.sender == head.sender }) {
            guard known.replies < AccessBook.pairingReplies else { return }
            pairing = known
        } else {
            guard open.count < AccessBook.pairingsPerSource else { return counters.add("pairing.full") }
            var code = PairingCode.make(draw)
            while access.pairings[code] != nil { code = PairingCode.make(draw) }
            pairing = Pairing(
                code: code, source: source, sender: head.sender, chat: head.chat, thread: head.thread,
                created: now.wall, replies: 0)
            effects.changes.append(
                .audit(
                    AuditEntry(
                        kind: "pairing-offered", actor: Address(source: name, id: head.sender).description,
                        conversation: Conversation(source: name, chat: head.chat, thread: head.thread).description)))
        }
        pairing.replies += 1
        access.pairings[pairing.code] = pairing
        effects.changes.append(.access(.pairing(pairing)))
        let text = """
            This chat is not connected yet. Your code is \(pairing.code). Give it to the owner, who lets you in at a \
            terminal with: switchboard access pair \(pairing.code)
            It holds for one hour.
            """
        say(
            Notice(
                key: "pairing:\(pairing.code):\(pairing.replies):\(pairing.created)", text: text, replyTo: nil,
                isSilent: false),
            to: Place(source: source, chat: head.chat, thread: head.thread), now)
    }

    // MARK: The way out

    /// The outbound gate: whether the inbound gate would let this conversation in now.
    func mayReach(_ place: Place) -> Bool {
        guard let name = sourceNames[place.source] else { return false }
        let conversation = Conversation(source: name, chat: place.chat, thread: place.thread)
        switch access.admissions[ChatKey(source: place.source, chat: place.chat)] {
        case .secret: return policy.ceiling?.allows(kind: policy.kind(of: name)) ?? true
        case .loopback:
            guard policy[name].trustsLoopback else { return false }
            return policy.ceiling.map { $0.allowsLoopback && $0.allows(kind: policy.kind(of: name)) } ?? true
        case .direct(let sender): return policy.mayReach(conversation, direct: sender)
        case .group: return policy.mayReach(conversation, direct: nil)
        case nil:
            // Somebody who may be written to and has not written yet.
            let isPerson = sources[name]?.hello?.abilities.features.contains("direct-by-id") ?? false
            return policy.mayReach(conversation, direct: nil)
                || (isPerson && policy.mayReach(conversation, direct: place.chat))
        }
    }

    /// The conversation in which a person is met alone; `nil` when none is known yet.
    func directPlace(of address: Address) -> Place? {
        guard let source = sources[address.source] else { return nil }
        if source.hello?.abilities.features.contains("direct-by-id") ?? false {
            return Place(source: source.id, chat: address.id, thread: nil)
        }
        // The same one after every start, should a platform have several.
        return access.admissions.compactMap { key, admission in
            key.source == source.id && admission == .direct(sender: address.id) ? key.chat : nil
        }.min().map { Place(source: source.id, chat: $0, thread: nil) }
    }
}
