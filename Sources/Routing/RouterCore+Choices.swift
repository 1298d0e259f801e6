import BusProtocol
import ChannelEvents
import FormattedText
import JSON
import MessageBus
import MessageStore

/// `ask`: a question with choices, and the answer that comes back as an event.
extension RouterCore {
    private static let action = "ask:"

    /// One call is one question; its id fits into what a button may send.
    private static func questionID(_ call: String) -> String {
        let hash = call.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    mutating func ask(_ call: Call, session id: SessionID, from link: LinkID, knowing fact: Fact, _ now: Moment) {
        guard let place = place(of: call), let name = sourceNames[place.source] else { return failForChat(call, link) }
        let text = call.arguments["question"]?.stringValue ?? ""
        let choices = (call.arguments["choices"]?.arrayValue ?? []).compactMap(\.stringValue).map(Self.oneLine)
        guard choices.count >= 2, choices.count <= 10, !choices.contains("") else {
            return fail(call.id, .malformed, "choices are 2 to 10 texts", link)
        }
        let hasButtons = sources[name]?.hello?.abilities.features.contains("buttons") ?? false
        var shown = rendered(markdown: text, for: place.source).prefixed(by: answerPrefix(of: id, in: place))
        if !hasButtons { shown = shown.followed(by: Self.numbered(choices)) }
        let messages = messages(shown, for: place.source)
        guard messages.count == 1, let whole = messages.first else {
            return fail(call.id, .oversize, "the question is too long for one message of \(name): shorten it", link)
        }
        let question = AskedQuestion(
            id: Self.questionID(call.id), session: id, place: place, text: whole.text, choices: choices,
            created: now.wall)
        var arguments = whole.arguments
        if hasButtons {
            // A row each: on a phone a long label needs the width.
            arguments["buttons"] = .array(
                choices.enumerated().map { index, label in
                    [["label": .string(label), "action": .string("\(Self.action)\(question.id):\(index)")]]
                })
        }
        let how = hasButtons ? "" : "this platform has no buttons: they answer with a number; "
        let part = enqueue(
            OutboxCommand(
                verb: "send", arguments: .object(arguments), place: place,
                replyTo: call.arguments["reply_to"]?.stringValue, purpose: "ask",
                remark: how + "the answer comes as a message of kind answer; end your turn to receive it"),
            for: call, session: id, from: link, knowing: fact, now)
        guard part != nil else { return }
        noteSpeaker(id, in: place)
        effects.changes.append(.tools(.asked(question)))
        if let closed = tools.add(question) { effects.changes.append(.tools(.closed(closed.id))) }
        // A question is an answer, too: whoever asked is not left waiting.
        cover(id, state: .answered) { $0.place == place }
    }

    private static func oneLine(_ text: String) -> String {
        text.split(whereSeparator: \.isNewline).joined(separator: " ")
    }

    private static func numbered(_ choices: [String]) -> String {
        let lines = choices.enumerated().map { "\($0 + 1). \($1)" }
        return "\n\n" + lines.joined(separator: "\n") + "\n\nAnswer with the number."
    }

    /// The question's message is out, or never will be.
    mutating func questionSettled(_ part: OutboxPart) {
        let id = Self.questionID(String(part.key.dropFirst("ask:".count)))
        guard let question = tools.questions[id] else { return }
        if part.state == .sent, let message = part.ids.first {
            tools.show(id, as: message)
            effects.changes.append(.tools(.shown(id, message: message)))
        } else if part.state == .rejected || question.place != part.place {
            tools.close(id)
            effects.changes.append(.tools(.closed(id)))
        }
    }

    // MARK: The answer

    enum Reading {
        /// It is no answer.
        case other
        /// It is one; this is what goes to the session that asked.
        case answer(Arrival, SessionID)
        /// A button of a question that is over.
        case late
    }

    /// Whether an event answers a question. The first that does counts.
    mutating func readAsAnswer(_ arrival: Arrival, _ now: Moment) -> Reading {
        guard let action = arrival.head.action else { return readAsNumber(arrival, now) }
        guard action.hasPrefix(Self.action) else { return .other }
        let parts = action.dropFirst(Self.action.count).split(separator: ":")
        guard parts.count == 2, let question = tools.questions[String(parts[0])], let index = Int(parts[1]),
            question.choices.indices.contains(index), question.place.source == arrival.place.source,
            question.place.chat == arrival.place.chat
        else {
            hint(
                "respond", ["id": .string(arrival.head.id), "text": "This question is closed."], to: arrival.place, now)
            return .late
        }
        hint(
            "respond", ["id": .string(arrival.head.id), "text": .string(question.choices[index])], to: arrival.place,
            now
        )
        return close(question, by: arrival, choosing: index, now)
    }

    private mutating func readAsNumber(_ arrival: Arrival, _ now: Moment) -> Reading {
        guard !tools.questions.isEmpty, arrival.head.kind == .message, !arrival.head.flags.contains(.bot),
            let question = tools.question(in: arrival.place, repliedTo: arrival.head.replyTo),
            arrival.delivery.body.count < 4_096
        else { return .other }
        let said = arrival.text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        let byWord = question.choices.firstIndex { $0.lowercased() == said.lowercased() }
        let byNumber = Int(said).flatMap { question.choices.indices.contains($0 - 1) ? $0 - 1 : nil }
        guard let index = byWord ?? byNumber else { return .other }
        return close(question, by: arrival, choosing: index, now)
    }

    private mutating func close(
        _ question: AskedQuestion, by arrival: Arrival, choosing index: Int, _ now: Moment
    ) -> Reading {
        tools.close(question.id)
        effects.changes.append(.tools(.closed(question.id)))
        let choice = question.choices[index]
        var arrival = arrival
        var user: String?
        // What was admitted can be read.
        do { user = try EventBody(json: arrival.delivery.body).user } catch { user = nil }
        arrival.delivery.head.kind = .answer
        arrival.delivery.head.replyTo = question.message
        arrival.delivery.head.action = nil
        arrival.delivery.body = EventBody(text: choice, user: user).json
        effects.changes.append(
            .tools(
                .answer(arrival.delivery.event, replyTo: question.message, body: arrival.delivery.body)))
        if let message = question.message {
            let who = user.map { " — \(Self.oneLine(String($0.prefix(64))))" } ?? ""
            say(
                Notice(
                    key: "chosen:\(question.id)", text: "\(question.text)\n\n✔ \(choice)\(who)", edits: message),
                to: question.place, now)
        }
        counters.add("questions.answered")
        return .answer(arrival, question.session)
    }
}
