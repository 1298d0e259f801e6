import BusProtocol
import ChannelEvents
import FormattedText
import JSON
import MessageBus
import MessageStore

/// Something that the router itself says in a chat: a card, a notice, the answer to a chat command.
struct Notice {
    /// The same key is the same notice: it goes out once, restarts included. Its first word, up to a colon, says what
    /// it is for, so that ``RouterCore/noteSettled(_:_:)`` finds whom its outcome concerns.
    var key: String
    var text: String
    /// Rows of buttons; left out where the adapter declares no `buttons`.
    var buttons: [[Button]] = []
    /// The platform's id of the message it answers.
    var replyTo: String?
    /// The platform's id of a message of ours that it replaces.
    var edits: String?
    /// The text is Markdown, as Claude writes it; else it is shown as it is.
    var isMarkdown = false
    /// It shows without a sound, where the platform can do that.
    var isSilent = true

    struct Button {
        var label: String
        /// What a press sends back as ``EventHead/action``; 64 bytes at most, which every platform takes.
        var action: String
    }

    var verb: String { edits == nil ? "send" : "edit" }

    /// For a text that was rendered and cut for its platform.
    func arguments(_ shown: FormattedText) -> JSONValue {
        var arguments = shown.arguments
        if let edits { arguments["id"] = .string(edits) }
        if !buttons.isEmpty {
            arguments["buttons"] = .array(
                buttons.map { row in
                    .array(row.map { ["label": .string($0.label), "action": .string($0.action)] })
                })
        }
        if isSilent { arguments["silent"] = true }
        return .object(arguments)
    }
}

/// The router's own words. Access is the caller's business: what a session says goes through ``mayReach(_:)``.
extension RouterCore {
    /// Puts a notice into the outbox, where it is treated like a reply. A platform that cannot say it does without.
    /// - Returns: whether it will go out.
    @discardableResult
    mutating func say(_ notice: Notice, to place: Place, _ now: Moment) -> Bool {
        guard sourceNames[place.source] != nil, outbox.count < Outbox.limit else { return false }
        guard !outbox.holds(notice.key) else { return true }
        let abilities = abilities(of: place.source)
        guard abilities?.verbs.contains(notice.verb) ?? true else { return false }
        var notice = notice
        if abilities?.features.contains("buttons") == false { notice.buttons = [] }
        let parts = outbox.add(parts(of: notice, at: place, now.wall))
        effects.changes += parts.map(StoreChange.newPart)
        counters.add("notices")
        runLanes(now)
        return true
    }

    /// One message, or several where it is too long: then the buttons, and the sound, are the last one's.
    private func parts(of notice: Notice, at place: Place, _ now: Int64) -> [OutboxPart] {
        let whole =
            notice.isMarkdown ? rendered(markdown: notice.text, for: place.source) : FormattedText(text: notice.text)
        let texts =
            notice.edits == nil
            ? messages(whole, for: place.source) : [oneMessage(whole, for: place.source)]
        return (texts.isEmpty ? [whole] : texts).enumerated().map { index, text in
            var piece = notice
            if index < texts.count - 1 {
                piece.buttons = []
                piece.isSilent = true
            }
            return OutboxPart(
                key: OutboxPart.key(notice.key, part: index + 1), session: unassignedSession, source: place.source,
                chat: place.chat, thread: place.thread, replyTo: index == 0 ? notice.replyTo : nil, verb: notice.verb,
                arguments: piece.arguments(text).bytes, digest: 0, created: now, ordinal: Int64(index + 1),
                total: Int64(max(texts.count, 1)))
        }
    }

    /// Tells an adapter something that is worth nothing later: typing, the answer to a tap. It has no outbox row; when
    /// the adapter is away it is forgotten.
    mutating func hint(_ verb: String, _ arguments: JSONValue, to place: Place, _ now: Moment) {
        guard let name = sourceNames[place.source], let source = sources[name], let link = source.link,
            source.abilities?.verbs.contains(verb) ?? false, let position = links.nextPosition(to: link)
        else { return }
        hints &+= 1
        let command = PlatformCommand(
            key: "hint:\(epoch):\(hints)", verb: verb, chat: place.chat, thread: place.thread, arguments: arguments)
        effects.send(.numbered(position, .command(command)), to: link)
    }

    /// All parts of what was to be sent have ended; the last one speaks for them, because it has the buttons.
    mutating func noteSettled(_ parts: [OutboxPart], _ now: Moment) {
        guard var last = parts.last, let first = parts.first else { return }
        last.key = first.key
        noteSettled(last, now)
    }

    /// Something sent has ended: whoever waits for its message id learns it here.
    mutating func noteSettled(_ part: OutboxPart, _ now: Moment) {
        switch part.key.prefix(while: { $0 != ":" }) {
        case "card": cardSettled(part, now)
        case "line": busyLineSettled(part, now)
        case "ask": questionSettled(part)
        case "progress": progressSettled(part, now)
        case "topic": topicSettled(part, now)
        case "report": reportSettled(part)
        case "follow": followSettled(part)
        case "which": sessionAsked(part)
        default: break
        }
    }
}
