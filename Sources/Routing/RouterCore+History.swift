import AccessControl
import BusProtocol
import ChannelEvents
import JSON
import MessageBus
import MessageStore

/// `fetch_messages`: what was said before, from the platform where it keeps that, else from the store.
extension RouterCore {
    func historyQuestion(_ call: Call, session id: SessionID) -> Question? {
        place(of: call).map { enqueueQuestion(call, at: $0, session: id) }
    }

    mutating func fetchMessages(
        _ call: Call, session id: SessionID, from link: LinkID, knowing fact: Fact, _ now: Moment
    ) {
        guard let place = place(of: call), case .reply(_, let hasHeard) = fact, let name = sourceNames[place.source]
        else { return failForChat(call, link) }
        let limit = Self.limit(call.arguments, standard: 20, most: 200)
        let older = call.arguments["before"]?.integerValue
        guard older == nil, hasHeard, mayReach(place), let source = sources[name], source.link != nil,
            source.hello?.abilities.features.contains("history") ?? false, let giver = source.link
        else {
            // What was delivered to the session is its own, whatever the platform keeps.
            return read(.messages(id, place, before: older, limit: limit), call.id, link)
        }
        files.histories &+= 1
        let order = "h\(epoch).\(files.histories)"
        files.pulls[order] = FileBook.Pull(
            subject: .history(place, limit: limit), source: name,
            callers: [Outbox.Caller(link: link, id: call.id, until: now.uptime + Self.downloadWait)])
        effects.files.append(
            .pull(
                FileOrder(
                    fetch: Fetch(
                        id: order, file: "history", event: call.arguments["before_id"]?.stringValue, chat: place.chat,
                        thread: place.thread, limit: Self.historyBytes, messages: limit), link: giver, ending: ".json",
                    isRead: true)))
    }

    private static let historyBytes: Int64 = 2 << 20

    /// The platform has answered, or the store must do.
    mutating func historyCame(
        _ outcome: Result<StoredFile, FetchFailure>, _ events: [Event], in place: Place, for callers: [Outbox.Caller],
        limit: Int, _ now: Moment
    ) {
        guard let name = sourceNames[place.source] else { return }
        if case .failure(let failure) = outcome {
            for caller in callers {
                fail(caller.id, .unavailable, "The platform gives no history: \(failure.message).", caller.link)
            }
            return
        }
        let here = events.filter { $0.head.chat == place.chat && $0.head.thread == place.thread }
        // A stranger's words do not reach a session this way either; that they do not address us matters not.
        let letIn = here.filter { event in
            var head = event.head
            head.flags.insert(.mention)
            return head.invalidMember == nil
                && decide(head, from: name, place.source, text: { event.body.text }, with: access, now).isAllowed
        }
        var answer: JSONObject = [
            "messages": .array(
                letIn.suffix(limit).map { event in
                    var message = HistoryEntry(
                        sequence: 0, source: name, head: event.head, rule: "", body: event.body.json
                    ).toolMessage
                    message["sequence"] = nil
                    return .object(message)
                }), "more": .bool(here.count >= limit),
        ]
        if letIn.count < here.count { answer["omitted"] = .integer(Int64(here.count - letIn.count)) }
        for caller in callers { self.answer(caller.id, .success(.object(answer)), to: caller.link) }
    }
}

/// Reads a platform's history; on the file thread.
enum HistoryReader {
    static func events(_ bytes: [UInt8]) -> [Event]? {
        do throws(JSONError) {
            var events: [Event] = []
            try JSONReader.read(bytes) { reader throws(JSONError) in
                try reader.beginArray()
                while try reader.nextElement() {
                    var head: EventHead?
                    var body: EventBody?
                    try reader.beginObject()
                    while let key = try reader.nextKey() {
                        switch key {
                        case "head": head = try EventHead(from: &reader)
                        case "body": body = try EventBody(json: bytes[try reader.skip()])
                        default: try reader.skip()
                        }
                    }
                    if let head, let body { events.append(Event(head: head, body: body)) }
                }
            }
            return events
        } catch {
            return nil
        }
    }
}
