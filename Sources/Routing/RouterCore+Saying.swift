import BusProtocol
import ChannelEvents
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
    /// It shows without a sound, where the platform can do that.
    var isSilent = true

    struct Button {
        var label: String
        /// What a press sends back as ``EventHead/action``; 64 bytes at most, which every platform takes.
        var action: String
    }

    var arguments: JSONValue {
        var arguments: JSONObject = ["text": .string(text)]
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
        guard let name = sourceNames[place.source], outbox.count < Outbox.limit else { return false }
        let abilities = sources[name]?.hello?.abilities
        let verb = notice.edits == nil ? "send" : "edit"
        guard abilities?.verbs.contains(verb) ?? true else { return false }
        var notice = notice
        if abilities?.features.contains("buttons") == false { notice.buttons = [] }
        let part = outbox.add(
            OutboxPart(
                key: notice.key, session: unassignedSession, source: place.source, chat: place.chat,
                thread: place.thread, replyTo: notice.replyTo, verb: verb, arguments: notice.arguments.bytes, digest: 0,
                created: now.wall))
        effects.changes.append(.newPart(part))
        counters.add("notices")
        runLanes(now)
        return true
    }

    /// Tells an adapter something that is worth nothing later: typing, the answer to a tap. It has no outbox row; when
    /// the adapter is away it is forgotten.
    mutating func hint(_ verb: String, _ arguments: JSONValue, to place: Place, _ now: Moment) {
        guard let name = sourceNames[place.source], let source = sources[name], let link = source.link,
            source.hello?.abilities.verbs.contains(verb) ?? false, let position = links.nextPosition(to: link)
        else { return }
        hints &+= 1
        let command = PlatformCommand(
            key: "hint:\(epoch):\(hints)", verb: verb, chat: place.chat, thread: place.thread, arguments: arguments)
        effects.send(.numbered(position, .command(command)), to: link)
    }

    /// An outbox part has ended: whoever waits for its message id learns it here.
    mutating func noteSettled(_ part: OutboxPart, _ now: Moment) {
        switch part.key.prefix(while: { $0 != ":" }) {
        case "card": cardSettled(part, now)
        case "line": lineSettled(part, now)
        default: break
        }
    }
}
