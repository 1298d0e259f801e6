import AccessControl
import BusProtocol
import ChannelEvents
import JSON
import MessageStore

/// Cards: where a prompt is shown, what they say, and how they follow what becomes of it.
extension RouterCore {
    /// Puts cards wherever the prompt is to be seen and is not yet; tells who waits.
    mutating func showPrompt(_ id: Int64, _ now: Moment) {
        guard let prompt = relay[id], prompt.record.isOpen else { return }
        var wanted = approverPlaces(for: prompt.record).map { (place: $0.place, address: Optional($0.address)) }
        for origin in prompt.origins where isOptedIn(origin) { wanted.append((origin, nil)) }
        for item in wanted where !prompt.cards.values.contains(where: { $0.role == .asks && $0.place == item.place }) {
            addCard(.asks, to: id, at: item.place, address: item.address?.description, now)
        }
        let isSeen = relay[id]?.asks.isEmpty == false
        relay[id]?.isHelpless = !isSeen
        if !isSeen, !prompt.isHelpless {
            counters.add("prompts.unreachable")
            audit("prompt-unreachable", prompt.record, actor: "router")
            tapPrompt(prompt.record, "unreachable")
        }
        if isSeen, prompt.isHelpless { repaint(id, now) }
        if let origin = prompt.origins.first, mayReach(origin),
            relay[id]?.cards.values.contains(where: { $0.place == origin }) == false
        {
            addCard(.waits, to: id, at: origin, address: nil, now)
        }
    }

    private func isOptedIn(_ place: Place) -> Bool {
        guard let name = sourceNames[place.source], mayReach(place) else { return false }
        let here = settings.permissions.cardsHere
        return here.contains(Conversation(source: name, chat: place.chat, thread: place.thread))
            || here.contains(Conversation(source: name, chat: place.chat))
    }

    /// Where the people are met who may answer, the owner first: each person once, at the first of their addresses whose
    /// platform can be reached now. With `escalate` only as many as were asked so far.
    private func approverPlaces(for record: PromptRecord) -> [(place: Place, address: Address)] {
        var people: [(name: String, at: [(place: Place, address: Address)])] = []
        for address in policy.approvers {
            guard let place = directPlace(of: address), mayReach(place) else { continue }
            let name = person(address)
            if let index = people.firstIndex(where: { $0.name == name }) {
                people[index].at.append((place, address))
            } else {
                people.append((name, [(place, address)]))
            }
        }
        if settings.permissions.onTimeout == .escalate {
            people = Array(people.prefix((takesTwo(record) ? 2 : 1) + Int(record.renewals)))
        }
        return people.compactMap { person in person.at.first { canReachNow($0.place) } ?? person.at.first }
    }

    private func canReachNow(_ place: Place) -> Bool {
        guard let source = sourceNames[place.source].flatMap({ sources[$0] }) else { return false }
        return source.link != nil && source.health.state == .up
    }

    /// The same for all addresses of one person.
    func person(_ address: Address) -> String { policy.person(of: address)?.name ?? address.description }

    func takesTwo(_ record: PromptRecord) -> Bool { settings.permissions.twoPerson.contains(record.tool) }

    private mutating func addCard(
        _ role: CardRecord.Role, to id: Int64, at place: Place, address: String?, _ now: Moment
    ) {
        guard let prompt = relay[id] else { return }
        let number = (prompt.cards.keys.max() ?? 0) + 1
        relay[id]?.cards[number] = CardRecord(
            prompt: id, number: number, role: role, place: place, address: address,
            nonce: String(draw(), radix: 36))
        paint(number, of: id, now)
    }

    // MARK: Painting

    /// All cards show how the prompt stands now.
    mutating func repaint(_ id: Int64, _ now: Moment) {
        for number in (relay[id]?.cards ?? [:]).keys.sorted() {
            relay[id]?.cards[number]?.wanted += 1
            paint(number, of: id, now)
        }
    }

    /// - Parameter anew: as a new message, which rings, instead of an edit.
    private mutating func paint(_ number: Int64, of id: Int64, anew: Bool = false, _ now: Moment) {
        guard let prompt = relay[id], var card = prompt.cards[number] else { return }
        defer { effects.changes.append(.permission(.card(card))) }
        // Its first message is under way: without its id nothing can be changed; `cardSettled` comes back here.
        let isFirstUnderWay = card.messages.isEmpty && card.said > card.settled
        guard card.wanted > card.said, !isFirstUnderWay else {
            relay[id]?.cards[number] = card
            return
        }
        let shown = card.messages.last
        let edits = anew || !canEdit(card.place) ? nil : shown
        if shown == nil, !prompt.record.isOpen {
            // It was never seen: nobody needs to read how it ended.
            card.said = card.wanted
        } else if edits == nil, shown != nil, !anew,
            card.role == .waits || prompt.record.isOpen && prompt.record.first == nil
        {
            // Another message would say nothing new.
            card.said = card.wanted
        } else {
            card.said = card.wanted
            relay[id]?.cards[number] = card
            send(card, of: prompt, edits: edits, now)
            return
        }
        relay[id]?.cards[number] = card
    }

    private func canEdit(_ place: Place) -> Bool { abilities(of: place)?.verbs.contains("edit") ?? true }

    private func abilities(of place: Place) -> Abilities? { abilities(of: place.source) }

    private mutating func send(_ card: CardRecord, of prompt: PermissionPrompt, edits: String?, _ now: Moment) {
        let key = "\(CardAction.prefix)\(card.prompt):\(card.number):\(card.said)"
        guard card.role == .asks else {
            say(Notice(key: key, text: waitingText(prompt), edits: edits), to: card.place, now)
            return
        }
        let hasButtons = abilities(of: card.place)?.features.contains("buttons") ?? false
        // A platform that cannot change a message gets a short one that says how it ended.
        let isReport = edits == nil && !card.messages.isEmpty && !prompt.record.isOpen
        let text =
            isReport
            ? CardText(head: [title(prompt.record)], call: [], foot: [endText(prompt.record)])
            : cardText(prompt, hasButtons: hasButtons)
        let limit = abilities(of: card.place).map { $0.textLimit.map(Int.init) ?? CardText.greatestLimit }
        let parts = text.parts(limit: limit ?? CardText.standardLimit)
        for (index, part) in parts.enumerated() {
            let isLast = index == parts.count - 1
            // Only the last message of a card changes: the others hold the call, which stays as it is.
            guard isLast || edits == nil else { continue }
            say(
                Notice(
                    key: isLast ? key : "\(key):\(index)", text: part,
                    buttons: isLast && prompt.record.isOpen ? buttons(card, of: prompt) : [],
                    edits: isLast ? edits : nil,
                    isSilent: !isLast || edits != nil || isReport), to: card.place, now)
        }
    }

    private func buttons(_ card: CardRecord, of prompt: PermissionPrompt) -> [[Notice.Button]] {
        func button(_ label: String, _ choice: CardAction.Choice) -> Notice.Button {
            Notice.Button(
                label: label, action: CardAction(prompt: card.prompt, nonce: card.nonce, choice: choice).text)
        }
        var rows = [[button("Allow", .allow), button("Deny", .deny)]]
        if grantPattern(for: prompt) != nil {
            rows.append([button("Allow this for \(Grant.buttonLifetime / 60_000) min", .grant)])
        }
        return rows
    }

    // MARK: Words

    private func title(_ record: PromptRecord) -> String {
        "\(sessions[record.session]?.record.label ?? "a session") asks for leave: \(CardText.line(record.tool, limit: 100))"
    }

    private func cardText(_ prompt: PermissionPrompt, hasButtons: Bool) -> CardText {
        let record = prompt.record
        var head = [title(record)]
        let about = CardText.line(record.about)
        if !about.isEmpty { head.append(about) }
        let call = CardText.call(tool: record.tool, input: record.input, preview: record.preview)
        var foot: [String] = []
        if record.isOpen, record.input == nil {
            if record.preview.contains(InputPreview.elision) {
                foot.append("Claude Code left out a part of it, where ⋯ stands.")
            }
            if record.preview.contains(InputPreview.redaction) {
                foot.append("Claude Code hid what looked like a secret, where [REDACTED] stands.")
            }
        }
        if call.contains(where: { line in line.unicodeScalars.contains { !$0.isASCII && $0 != "⋯" } }) {
            foot.append("There are characters in it that are no ASCII: letters can look alike.")
        }
        if !record.outside.isEmpty, record.isOpen { foot.append(record.outside) }
        guard record.isOpen else { return CardText(head: head, call: call, foot: [endText(record)]) }
        if takesTwo(record) {
            foot.append(
                record.first.map { "1 of 2: \(shownPerson($0)) allowed it. It takes one more." }
                    ?? "It takes two people to allow this.")
        }
        if record.renewals > 0 { foot.append("Open since \(CardText.time(record.asked)).") }
        foot.append(
            hasButtons
                ? "Or write: yes \(record.code), or no \(record.code)."
                : "Answer: yes \(record.code), or no \(record.code).")
        return CardText(head: head, call: call, foot: foot)
    }

    func endText(_ record: PromptRecord) -> String {
        let time = CardText.time(record.ended ?? record.asked)
        switch (record.state, record.decider) {
        case (.allowed, "grant"): return "Allowed by a standing grant at \(time)."
        case (.denied, "router"): return "Denied at \(time): nobody answered in time."
        case (.allowed, let decider): return "Allowed by \(shownPerson(decider)) at \(time)."
        case (.denied, let decider): return "Denied by \(shownPerson(decider)) at \(time)."
        default:
            switch record.reason {
            case "answered-at-terminal": return "Answered at the terminal, \(time)."
            case "asked-anew": return "Asked anew at \(time)."
            default: return "No longer open, \(time): the session ended."
            }
        }
    }

    /// `ann (chat:42)`, or the address alone; the place where it was said stands behind it.
    private func shownPerson(_ decider: String?) -> String {
        guard let decider else { return "somebody" }
        let parts = decider.split(separator: " ", maxSplits: 1)
        guard let address = parts.first.flatMap({ Address(String($0)) }) else {
            return CardText.line(decider, limit: 160)
        }
        let place = parts.count > 1 ? " \(parts[1])" : ""
        let name = policy.person(of: address).map { "\($0.name) (\(address))" } ?? address.description
        return CardText.line(name + place, limit: 200)
    }

    private func waitingText(_ prompt: PermissionPrompt) -> String {
        let label = sessions[prompt.record.session]?.record.label ?? "The session"
        let tool = CardText.line(prompt.record.tool, limit: 100)
        switch prompt.record.state {
        case .open where prompt.isHelpless && prompt.asks.isEmpty:
            return """
                \(label) waits for leave to use \(tool) since \(CardText.time(prompt.record.asked)), and nobody can give \
                it here. Whoever owns this Switchboard makes an approver at a terminal: switchboard access approver add \
                SOURCE ID; an approver writes to the bot once, so that cards can reach them.
                """
        case .open: return "\(label) waits for approval since \(CardText.time(prompt.record.asked)) (\(tool))."
        case .allowed: return "\(label) goes on: approved at \(CardText.time(prompt.record.ended ?? 0)) (\(tool))."
        case .denied: return "\(label) was not given leave (\(tool))."
        case .ended: return "\(label) waits for approval no longer (\(tool))."
        }
    }

    // MARK: What comes back

    /// A card was sent or edited, or cannot be.
    mutating func cardSettled(_ part: OutboxPart, _ now: Moment) {
        let words = part.key.split(separator: ":")
        // The parts of a card that hold only the call have a word more.
        guard words.count == 4, let id = Int64(words[1]), let number = Int64(words[2]), let revision = Int64(words[3]),
            var card = relay[id]?.cards[number], let isOpen = relay[id]?.record.isOpen
        else { return }
        card.settled = max(card.settled, revision)
        var anew = false
        switch part.state {
        case .sent:
            if part.verb == "send", let message = part.ids.last { card.messages.append(message) }
        case .rejected, .unknown:
            // An edit that cannot be done is said in a message of its own; what may have been sent is sent again: twice
            // is better than never.
            anew = card.wanted < Self.cardTries && (part.verb == "edit" || (part.state == .unknown && isOpen))
            if anew { card.wanted = max(card.wanted, card.said + 1) }
        default: return
        }
        relay[id]?.cards[number] = card
        paint(number, of: id, anew: anew, now)
    }

    /// Revisions of a card after which a failure is not answered with another try.
    private static let cardTries: Int64 = 20

    // MARK: The limit

    /// Nobody answered in time.
    mutating func overrun(_ id: Int64, _ now: Moment) {
        guard var prompt = relay[id] else { return }
        if settings.permissions.onTimeout == .deny {
            prompt.record.state = .denied
            prompt.record.decider = "router"
            prompt.record.reason = "limit"
            prompt.record.ended = now.wall
            close(prompt, now)
            audit("verdict", prompt.record, actor: "router", rule: "limit-deny")
            return sendVerdict(id, now)
        }
        prompt.record.renewals += 1
        let wait = settings.permissions.limit << min(prompt.record.renewals, 4)
        prompt.due = now.uptime + wait
        prompt.record.due = now.wall + wait
        relay[id] = prompt
        effects.changes.append(.permission(.prompt(prompt.record)))
        let before = Set(prompt.cards.keys)
        showPrompt(id, now)
        let escalated = relay[id]?.cards.keys.contains { !before.contains($0) } ?? false
        counters.add(escalated ? "prompts.escalated" : "prompts.renewed")
        audit(escalated ? "prompt-escalated" : "prompt-renewed", prompt.record, actor: "router", rule: "limit")
        for number in before.sorted() {
            guard let card = relay[id]?.cards[number] else { continue }
            relay[id]?.cards[number]?.wanted += 1
            // Whoever has the card and does not answer is rung again; who was escalated past, and who only waits, is not.
            let rings = card.role == .asks && !escalated && card.messages.last != nil
            if rings, let message = card.messages.last, canEdit(card.place) {
                say(
                    Notice(
                        key: "\(CardAction.prefix)\(id):\(number):\(card.wanted):old",
                        text: "\(title(prompt.record))\nAsked again below, at \(CardText.time(now.wall)).",
                        edits: message),
                    to: card.place, now)
            }
            paint(number, of: id, anew: rings, now)
        }
    }
}
