import AccessControl
import BusProtocol
import ChannelEvents
import JSON
import MessageStore

/// Answers to permission prompts: who may give one, and what becomes of it.
extension RouterCore {
    /// Whether an event is an answer to a permission prompt, or tries to be one: it then never reaches Claude.
    mutating func takesAsVerdict(_ arrival: Arrival, _ now: Moment) -> Bool {
        if let action = arrival.head.action {
            guard action.hasPrefix(CardAction.prefix) else { return false }
            takeTap(CardAction(action), arrival, now)
            return true
        }
        guard !relay.isQuiet, arrival.head.kind == .message || arrival.head.kind == .edit,
            Self.mayBeVerdict(arrival.delivery.body)
        else { return false }
        return takeText(arrival, now)
    }

    /// Whether the text may begin with a word of an answer, without parsing: most messages do not.
    private static func mayBeVerdict(_ body: [UInt8]) -> Bool {
        AddressedText.mayBegin(body, with: Array("yYnN \\".utf8))
    }

    // MARK: Taps

    private mutating func takeTap(_ action: CardAction?, _ arrival: Arrival, _ now: Moment) {
        guard mayAnswer(arrival) else {
            return refuseTap(arrival, "Only an approver can answer this.", "not-approver", now)
        }
        guard let action, let prompt = relay[action.prompt] else {
            return answerTap(arrival, "This was decided, or is no longer open.", now)
        }
        let card = prompt.cards.values.first { $0.role == .asks && $0.nonce == action.nonce }
        guard let card, card.place.source == arrival.place.source, card.place.chat == arrival.place.chat,
            arrival.head.replyTo.map({ card.messages.isEmpty || card.messages.contains($0) }) ?? true
        else { return refuseTap(arrival, "This button belongs to no card here.", "forged", now) }
        var grants = false
        if action.choice == .grant {
            guard grantPattern(for: prompt) != nil else {
                guard prompt.record.isOpen else { return answerTap(arrival, lateText(prompt.record), now) }
                return refuseTap(
                    arrival, "Grants are off, or cannot cover this: choose Allow or Deny.", "no-grant", now)
            }
            grants = true
        }
        let pattern = grants ? grantPattern(for: prompt) : nil
        let outcome = decide(prompt.record.id, allow: action.choice != .deny, arrival, now)
        if outcome == .decided, let pattern { giveGrant(pattern, for: prompt.record, by: arrival, now) }
        let isGranted = outcome == .decided && pattern != nil
        answerTap(arrival, isGranted ? "Allowed, and the same again for a while." : said(outcome, action.prompt), now)
    }

    /// Who pressed is told, alone, where the platform can do that.
    private mutating func answerTap(_ arrival: Arrival, _ text: String, alert: Bool = false, _ now: Moment) {
        var arguments: JSONObject = ["id": .string(arrival.head.id), "text": .string(CardText.line(text, limit: 190))]
        if alert { arguments["alert"] = true }
        hint("respond", .object(arguments), to: arrival.place, now)
    }

    private mutating func refuseTap(_ arrival: Arrival, _ text: String, _ rule: String, _ now: Moment) {
        answerTap(arrival, text, alert: true, now)
        auditRefusal(arrival, rule, now)
    }

    /// A tap of somebody who is not let in at all.
    mutating func refuseStrangersTap(_ head: EventHead, from name: SourceName, _ now: Moment) {
        guard head.action?.hasPrefix(CardAction.prefix) ?? false, let source = sources[name] else { return }
        let place = Place(source: source.id, chat: head.chat, thread: head.thread)
        hint(
            "respond", ["id": .string(head.id), "text": "Only an approver can answer this.", "alert": true], to: place,
            now)
        counters.add("verdicts.refused")
        guard relay.mayRefuse("\(name.text):\(head.sender)", now: now) else { return }
        effects.changes.append(
            .audit(
                AuditEntry(
                    kind: "verdict-refused", actor: Address(source: name, id: head.sender).description,
                    conversation: Conversation(source: name, chat: head.chat, thread: head.thread).description,
                    event: EventKey(source: name, id: head.id).description, rule: "stranger")))
    }

    // MARK: Texts

    private mutating func takeText(_ arrival: Arrival, _ now: Moment) -> Bool {
        let text = arrival.text
        let mayAnswer = mayAnswer(arrival)
        guard let verdict = VerdictText.verdict(text) else {
            guard mayAnswer, arrival.head.kind == .message, VerdictText.isBare(text),
                let open = openPrompt(in: arrival.place)
            else { return false }
            // Alone it names no prompt, and to Claude it would be leave for anything.
            let code = open.record.code
            reply(
                """
                Which one? A permission prompt is open here: write yes \(code) or no \(code). It was not passed on to \
                Claude; to say something to Claude, write a few words.
                """, arrival, now)
            return true
        }
        guard let prompt = relay.prompt(code: verdict.code) else {
            // Five letters are also a word. A wrong code matters only to somebody who has a prompt to answer.
            guard mayAnswer, arrival.head.kind == .message, !relay.open.isEmpty else { return false }
            reply("There is no prompt \(verdict.code). \(openCodes)", arrival, now)
            return true
        }
        guard mayAnswer else {
            if relay.mayRefuse("\(arrival.source.text):\(arrival.head.sender)", now: now) {
                reply("Only an approver can answer a permission prompt.", arrival, now)
            }
            auditRefusal(arrival, "not-approver", now)
            return true
        }
        if let fault = fault(of: arrival, for: prompt.record) {
            reply("This does not count: \(fault). Write yes or no with the code as a message of its own.", arrival, now)
            auditRefusal(arrival, "not-a-message", now)
            return true
        }
        let outcome = decide(prompt.record.id, allow: verdict.allow, arrival, now)
        reply(said(outcome, prompt.record.id), arrival, now)
        return true
    }

    /// Why a text is no answer although it reads like one.
    private func fault(of arrival: Arrival, for record: PromptRecord) -> String? {
        if arrival.head.kind != .message { return "it is an edit of an earlier message" }
        if arrival.head.flags.contains(.forwarded) { return "it was forwarded" }
        // What comes from a backfill may be older than the prompt that has its code now.
        if arrival.head.flags.contains(.late), arrival.head.time < record.asked { return "it is older than the prompt" }
        do {
            return try EventBody(json: arrival.delivery.body).attachments.isEmpty
                ? nil : "it is the caption of a file"
        } catch {
            return "it cannot be read"
        }
    }

    private func openPrompt(in place: Place) -> PermissionPrompt? {
        relay.open.sorted().lazy.compactMap { relay[$0] }.first { prompt in
            prompt.cards.values.contains { $0.role == .asks && $0.place == place }
        }
    }

    private var openCodes: String {
        let codes = relay.open.sorted().compactMap { relay[$0]?.record.code }.prefix(5)
        return "Open: \(codes.joined(separator: ", "))."
    }

    private mutating func reply(_ text: String, _ arrival: Arrival, _ now: Moment) {
        say(
            Notice(key: "verdict:\(arrival.delivery.event)", text: text, replyTo: arrival.head.id), to: arrival.place,
            now)
    }

    // MARK: Deciding

    /// Only a person, by the id that the platform vouches for, and only one who is listed for it.
    private func mayAnswer(_ arrival: Arrival) -> Bool {
        arrival.head.authentication == .platform && !arrival.head.flags.contains(.bot)
            && policy.isApprover(Address(source: arrival.source, id: arrival.head.sender))
    }

    private mutating func decide(_ id: Int64, allow: Bool, _ arrival: Arrival, _ now: Moment)
        -> PermissionPrompt.Outcome
    {
        guard var prompt = relay[id] else { return .late }
        let address = Address(source: arrival.source, id: arrival.head.sender)
        let outcome = prompt.answer(
            allow, by: person(address), address: "\(address) in \(arrival.conversation)",
            takesTwo: takesTwo(prompt.record), at: now.wall)
        switch outcome {
        case .decided:
            close(prompt, now)
            sendVerdict(id, now)
        case .noted:
            relay[id] = prompt
            effects.changes.append(.permission(.prompt(prompt.record)))
            repaint(id, now)
        case .again, .late: return outcome
        }
        audit(
            "verdict", prompt.record, actor: address.description, conversation: arrival.conversation.description,
            event: arrival.key.description, rule: outcome == .noted ? "first-of-two" : prompt.record.word)
        return outcome
    }

    private func said(_ outcome: PermissionPrompt.Outcome, _ id: Int64) -> String {
        guard let record = relay[id]?.record else { return "This was decided, or is no longer open." }
        let tool = CardText.line(record.tool, limit: 60)
        switch outcome {
        case .decided: return record.state == .allowed ? "Allowed: \(tool)." : "Denied: \(tool)."
        case .noted: return "Noted. It takes one more person."
        case .again: return "You said so already. It takes another person."
        case .late: return lateText(record)
        }
    }

    private func lateText(_ record: PromptRecord) -> String { "Already decided. \(endText(record))" }

    private mutating func auditRefusal(_ arrival: Arrival, _ rule: String, _ now: Moment) {
        counters.add("verdicts.refused")
        let address = Address(source: arrival.source, id: arrival.head.sender)
        effects.changes.append(
            .audit(
                AuditEntry(
                    kind: "verdict-refused", actor: address.description,
                    conversation: arrival.conversation.description, event: arrival.key.description, rule: rule)))
    }
}
