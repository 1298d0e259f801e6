import BusProtocol
import ChannelEvents
import FormattedText
import JSON
import MessageBus
import MessageStore

/// `progress`: one silent status line of a session in a conversation, changed under a rate budget.
extension RouterCore {
    /// Between two changes of a line, in milliseconds. Where it cannot be edited each is a new message, and rare.
    private static let editInterval: Int64 = 5_000
    private static let sendInterval: Int64 = 600_000

    mutating func progress(_ call: Call, session id: SessionID, from link: LinkID, knowing fact: Fact, _ now: Moment) {
        guard let place = place(of: call), let name = sourceNames[place.source],
            let text = call.arguments["text"]?.stringValue, case .reply(_, let hasHeard) = fact
        else { return failForChat(call, link) }
        if let obstacle = obstacle(to: "send", at: place, session: id, hasHeard: hasHeard) {
            return fail(call.id, obstacle.code, obstacle.message, link)
        }
        let key = ToolBook.LineKey(session: id, place: place)
        let canEdit = sources[name]?.hello?.abilities.verbs.contains("edit") ?? true
        let remark = canEdit ? "" : "\(name) cannot edit messages: a new line is shown every ten minutes at most"
        if tools.lines[key] == nil {
            tools.lines[key] = ToolBook.Line(shown: "", wanted: text, nextChange: now.uptime)
            if tools.lines.count > ToolBook.lineLimit,
                let oldest = tools.lines.min(by: { $0.value.nextChange < $1.value.nextChange })?.key, oldest != key
            {
                tools.lines[oldest] = nil
            }
        } else {
            tools.lines[key]?.wanted = text
        }
        showLine(key, now)
        let isShown = tools.lines[key]?.wanted == nil
        var message = isShown ? "shown" : "it is shown with the next change, some seconds from now"
        if !remark.isEmpty { message += "; " + remark }
        answer(call.id, .success(["status": isShown ? "shown" : "waiting", "message": .string(message)]), to: link)
    }

    /// Lines that may change now.
    mutating func advanceLines(_ now: Moment) {
        guard let due = tools.deadline, due <= now.uptime else { return }
        for (key, line) in tools.lines where line.wanted != nil && line.underWay == nil && line.nextChange <= now.uptime
        {
            showLine(key, now)
        }
    }

    private mutating func showLine(_ key: ToolBook.LineKey, _ now: Moment) {
        guard var line = tools.lines[key], let wanted = line.wanted, line.underWay == nil,
            line.nextChange <= now.uptime, let name = sourceNames[key.place.source]
        else { return }
        line.wanted = nil
        defer { tools.lines[key] = line }
        guard wanted != line.shown else { return }
        let text = FormattedText(text: "⏳ \(wanted)").prefixed(by: answerPrefix(of: key.session, in: key.place))
        var arguments = text.arguments
        arguments["silent"] = true
        let canEdit = sources[name]?.hello?.abilities.verbs.contains("edit") ?? true
        var verb = "send"
        if let message = line.message, canEdit {
            verb = "edit"
            arguments["id"] = .string(message)
        }
        tools.lineParts &+= 1
        let part = enqueue(
            OutboxCommand(verb: verb, arguments: .object(arguments), place: key.place),
            key: "progress:\(epoch):\(tools.lineParts)", session: key.session, now)
        line.shown = wanted
        line.underWay = part?.key
        line.nextChange = now.uptime + (canEdit ? Self.editInterval : Self.sendInterval)
    }

    /// A line's message is out, or never will be.
    mutating func progressSettled(_ part: OutboxPart, _ now: Moment) {
        guard let key = tools.lines.first(where: { $0.value.underWay == part.key })?.key else { return }
        tools.lines[key]?.underWay = nil
        if part.state == .sent, let message = part.ids.first { tools.lines[key]?.message = message }
        // The message it should change is gone: the next one is a new one.
        if part.state == .rejected, part.verb == "edit" { tools.lines[key]?.message = nil }
        advanceLines(now)
    }

    /// The session has answered there: what comes next is another work.
    mutating func endLine(of session: SessionID, in place: Place) {
        guard !tools.lines.isEmpty else { return }
        tools.lines[ToolBook.LineKey(session: session, place: place)] = nil
    }
}
