import BusProtocol
import ChannelEvents
import FormattedText
import JSON
import MessageBus
import MessageStore

/// `report_to`: what programs send and what Claude says about it appear where people are, and what people answer there
/// goes to the session, with what they answer.
extension RouterCore {
    /// Longest text of a report, and of what is quoted of it, in characters.
    private static let reportLimit = 1_500
    private static let quoteLimit = 200

    func feed(of arrival: Arrival) -> Feed? { settings.feeds.first { $0.match.matches(arrival) } }

    /// Shows a fresh event where its feed's people are.
    mutating func report(_ arrival: Arrival, _ feed: Feed, _ now: Moment) {
        guard let target = feed.reportTo else { return }
        guard let shownIn = place(of: target), shownIn != arrival.place else {
            counters.add("reports.homeless")
            return
        }
        let text = arrival.text
        let head = arrival.head
        let beginning = feeds.beginning(of: head.fingerprint, at: arrival.place, shownIn: shownIn)
        // What goes on rings once: the rest hangs on its beginning.
        let rings = feed.rings(head) && beginning == nil && !isQuiet(feed, now)
        let report = StoredReport(
            event: arrival.delivery.event, id: head.id, place: arrival.place, fingerprint: head.fingerprint,
            summary: Self.cut(text.split(whereSeparator: \.isNewline).first ?? "", Self.quoteLimit), shownIn: shownIn)
        feeds.add(report)
        effects.changes.append(.feed(.report(report)))
        counters.add("reports")
        say(
            Notice(
                key: "report:\(report.event)", text: Self.cut(text[...], Self.reportLimit),
                replyTo: beginning?.messages.first, isSilent: !rings), to: shownIn, now)
    }

    /// The platform has named a report's message: an answer to it is recognized from now on.
    mutating func reportSettled(_ part: OutboxPart) {
        guard part.state == .sent, let event = EventSequence(part.key.dropFirst("report:".count)),
            let report = feeds.show(event, as: part.ids)
        else { return }
        effects.changes.append(.feed(.shown(report)))
    }

    // MARK: What Claude says

    /// What a session replies to a feed appears where the feed's people are, too.
    mutating func showReply(_ text: String, of id: SessionID, to asked: OutboxPart, _ now: Moment) {
        guard !settings.feeds.isEmpty, let name = sourceNames[asked.source] else { return }
        let place = Place(source: asked.source, chat: asked.chat, thread: asked.thread)
        let event = asked.replyTo ?? ""
        let head = EventHead(id: event, chat: asked.chat, thread: asked.thread, sender: "", time: now.wall)
        let body = EventBody(text: "").json
        let arrival = Arrival(
            delivery: WaitingDelivery(event: 0, source: asked.source, head: head, body: body, offers: 0), source: name)
        guard let feed = settings.feeds.first(where: { $0.match.matchesPlace(of: arrival) }),
            let shownIn = feed.reportTo.flatMap({ self.place(of: $0) }), shownIn != place
        else { return }
        let label = sessions[id].map { "\($0.record.label): " } ?? ""
        let report = feeds.report(of: asked.replyTo, at: place, shownIn: shownIn)
        say(
            Notice(
                key: "follow:\(id):\(asked.key)", text: label + text, replyTo: report?.messages.first,
                isSilent: isQuiet(feed, now) || feed.ring == .never), to: shownIn, now)
    }

    /// Whoever answers what a session said there means that session.
    mutating func followSettled(_ part: OutboxPart) {
        let words = part.key.split(separator: ":", maxSplits: 2)
        guard part.state == .sent, words.count == 3, let id = SessionID(words[1]), sessions[id] != nil,
            !part.ids.isEmpty
        else { return }
        effects.changes.append(.route(.spoken(id, part.place, ids: part.ids)))
    }

    // MARK: What people answer

    /// The session that a report's conversation used last: an answer to the report is for it.
    func sessionAnswered(by head: EventHead, source: SourceID) -> SessionID? {
        guard let replyTo = head.replyTo, !feeds.reports.isEmpty,
            let report = feeds.report(shownAs: replyTo, source: source, chat: head.chat)
        else { return nil }
        return routes.bindings[report.place] ?? lastSession[report.place]
    }

    /// An answer to a report says in itself what it answers: the session knows the alert by its id and its words, not by
    /// the platform's number. A chat command stays as it is.
    func withContext(_ body: [UInt8], _ head: EventHead, source: SourceID) -> [UInt8] {
        guard let replyTo = head.replyTo, !feeds.reports.isEmpty, head.kind == .message,
            let report = feeds.report(shownAs: replyTo, source: source, chat: head.chat),
            let name = sourceNames[report.place.source]
        else { return body }
        do throws(JSONError) {
            var carried = try EventBody(json: body)
            guard !carried.text.hasPrefix("/") else { return body }
            let about = EventKey(source: name, id: report.id)
            carried.text += "\n\n[in answer to \(about): \(report.summary)]"
            let longer = carried.json
            return longer.count <= BusLimits.payloadBytes ? longer : body
        } catch {
            return body
        }
    }

    private static func cut(_ text: Substring, _ limit: Int) -> String {
        text.count > limit ? "\(text.prefix(limit))…" : String(text)
    }
}

extension RouteRule {
    /// Whether it is about a conversation, whatever is said in it.
    func matchesPlace(of arrival: Arrival) -> Bool {
        var rule = self
        rule.sender = nil
        rule.kind = nil
        rule.text = nil
        return rule.matches(arrival)
    }
}
