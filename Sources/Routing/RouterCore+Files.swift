import BusProtocol
import ChannelEvents
import JSON
import MessageBus
import MessageStore

/// Files: which are fetched and when, and who may have them. Their bytes never come here.
extension RouterCore {
    // MARK: With a message

    /// Attachments of one event that are fetched by themselves.
    static let fetchedAtOnce = 10

    /// Begins to fetch what belongs to a fresh event: its pictures, and what the platform will not keep.
    /// - Returns: whether the event waits for a picture, or behind one that does; it is routed later then.
    mutating func awaitsFiles(
        _ arrival: Arrival, hasAttachments: Bool, answering speaker: SessionID?, _ now: Moment
    ) -> Bool {
        guard hasAttachments || files.heldCount > 0 else { return false }
        let wanted = hasAttachments ? fetchAtOnce(of: arrival) : []
        guard !wanted.isEmpty || files.isHolding(arrival.place), files.heldCount < FileBook.heldLimit else {
            return false
        }
        hold(arrival, speaker, wanted, until: now.uptime + settings.files.imageWait)
        effects.changes.append(.files(.awaiting(arrival.delivery.event, true)))
        return true
    }

    private mutating func hold(_ arrival: Arrival, _ speaker: SessionID?, _ wanted: Set<String>, until: Int64) {
        files.hold(FileBook.Held(arrival: arrival, speaker: speaker, wanted: wanted, until: until))
    }

    /// - Returns: the names of the transfers that the message itself waits for.
    private mutating func fetchAtOnce(of arrival: Arrival) -> Set<String> {
        guard let source = sources[arrival.source], source.link != nil,
            source.hello?.abilities.features.contains("fetch") ?? false
        else { return [] }
        var wanted: Set<String> = []
        for (position, attachment) in Self.attachments(of: arrival.delivery.body).prefix(Self.fetchedAtOnce)
            .enumerated()
        {
            let isImage = attachment.isPicture && attachment.size ?? 0 <= settings.files.image
            guard isImage || attachment.expires else { continue }
            let name = fetch(
                attachment, position, of: arrival.delivery.event, arrival.head, from: arrival.source, isImage: isImage)
            if isImage, let name { wanted.insert(name) }
        }
        return wanted
    }

    static func attachments(of body: [UInt8]?) -> [Attachment] {
        guard let body else { return [] }
        // What was admitted has a text; attachments that nobody can read are none.
        do { return try EventBody(json: body).attachments } catch { return [] }
    }

    /// What a list of messages says of a message's files: their names, in the order that `download_attachment` counts.
    static func attachmentNames(of body: [UInt8]?) -> String? {
        guard let body, let survey = EventBody.survey(body), survey.hasAttachments else { return nil }
        let names = attachments(of: body).prefix(fetchedAtOnce).map { FileName.safe($0.name) }
        return names.isEmpty ? nil : names.joined(separator: ", ")
    }

    /// Orders an attachment; one order for all who want it.
    /// - Returns: the name of the transfer; `nil` when there is nobody to ask.
    @discardableResult
    private mutating func fetch(
        _ attachment: Attachment, _ position: Int, of event: EventSequence, _ head: EventHead, from name: SourceName,
        isImage: Bool
    ) -> String? {
        let id = FileBook.name(event, position)
        if files.pulls[id] != nil { return id }
        guard let source = sources[name] else { return nil }
        files.pulls[id] = FileBook.Pull(
            subject: .attachment(event, position: position, isImage: isImage), source: name)
        let limit = isImage ? settings.files.image : settings.files.largest
        let wanted = Fetch(
            id: id, file: attachment.id, event: head.id, chat: head.chat, thread: head.thread, limit: limit)
        if let link = source.link {
            effects.files.append(.pull(FileOrder(fetch: wanted, link: link, ending: attachment.ending)))
        } else {
            files.pulls[id]?.order = FileOrder(fetch: wanted, link: LinkID(bytes: []), ending: attachment.ending)
        }
        counters.add("files.ordered")
        return id
    }

    /// The events that waited when the router ended wait once more, for an adapter that comes back.
    mutating func restoreHeld(_ events: [AwaitingEvent], _ now: Moment) {
        for event in events {
            guard let name = sourceNames[event.delivery.source] else { continue }
            hold(
                Arrival(delivery: event.delivery, source: name), event.speaker, ["restart"],
                until: now.uptime + settings.files.imageWait)
        }
    }

    /// Events that waited long enough, or have what they waited for, go on; so do callers.
    mutating func advanceFiles(_ now: Moment) {
        for item in files.takeReady(now: now.uptime) {
            effects.changes.append(.files(.awaiting(item.arrival.delivery.event, false)))
            route(item.arrival, answering: item.speaker, now)
        }
        let expired = files.takeExpired(now: now.uptime)
        if !expired.isEmpty { files.forgetUnwanted() }
        for caller in expired {
            fail(
                caller.id, .unavailable,
                "It is still on its way. Call again in a moment: it goes on where it is.", caller.link)
        }
    }

    // MARK: Links

    /// A source's adapter is here: what is under way from it goes on.
    mutating func filesGoOn(from name: SourceName) {
        for (id, pull) in files.pulls where pull.source == name {
            guard var order = pull.order else {
                effects.files.append(.redirect(id, to: sources[name]?.link))
                continue
            }
            guard let link = sources[name]?.link else { continue }
            order.link = link
            files.pulls[id]?.order = nil
            effects.files.append(.pull(order))
        }
        guard files.heldCount > 0, sources[name]?.link != nil else { return }
        var restored: [Arrival] = []
        files.update(name) { item in
            if item.wanted == ["restart"] { restored.append(item.arrival) }
        }
        for arrival in restored {
            let wanted = fetchAtOnce(of: arrival)
            files.update(name) { item in
                if item.arrival.delivery.event == arrival.delivery.event { item.wanted = wanted }
            }
        }
    }

    /// Bytes that a peer sent.
    mutating func take(_ chunk: Chunk, from link: LinkID) {
        guard files.pulls[chunk.id] != nil else { return }
        effects.files.append(.take(chunk, from: link))
    }

    func fetchQuestion(_ fetch: Fetch, from link: LinkID) -> Question? {
        switch peers[link]?.kind {
        case .adapter(let name): return sources[name].map { .files(.sendable(hash: fetch.file, $0.id)) }
        case .endpoint(let id): return .files(.readable(hash: fetch.file, id))
        case .operator, nil: return nil
        }
    }

    /// A peer wants a file.
    mutating func give(_ fetch: Fetch, to link: LinkID, knowing fact: Fact) {
        guard case .files(.file(let file?)) = fact else {
            guard let epoch = links.accepted(from: link)?.epoch else { return }
            let failure = FetchFailure(.notAllowed, "there is no such file for you")
            return effects.send(.chunk(epoch: epoch, Chunk(id: fetch.id, .failure(failure))), to: link)
        }
        effects.files.append(.give(file, fetch, to: link))
    }

    // MARK: How it ended

    /// A file is here, or will not come.
    public mutating func finish(_ report: FileReport, now: Moment) {
        guard let pull = files.pulls.removeValue(forKey: report.id) else { return }
        let file: StoredFile?
        switch report.outcome {
        case .success(let stored):
            file = stored
            counters.add("files.stored")
        case .failure(let failure):
            file = nil
            counters.add("files.failed.\(failure.code.rawValue)")
        }
        switch pull.subject {
        case .attachment(let event, let position, let isImage):
            if let file {
                effects.changes.append(.files(.attachment(event, position: position, file, isImage: isImage)))
            }
            files.settle(report.id, isImage ? file : nil)
            for caller in pull.callers {
                answer(caller.id, Self.downloaded(report.outcome, self, caller.link), to: caller.link)
            }
        case .history(let place, let limit):
            historyCame(report.outcome, report.events, in: place, for: pull.callers, limit: limit, now)
        case .upload(let call, let position):
            if let file { effects.changes.append(.files(.stored(file))) }
            uploaded(report.outcome, position, of: call)
        }
        advanceFiles(now)
    }

    /// What a caller of `download_attachment` hears. A process on another machine gets the bytes over the bus.
    private static func downloaded(
        _ outcome: Result<StoredFile, FetchFailure>, _ core: RouterCore, _ link: LinkID
    ) -> Answer.Outcome {
        switch outcome {
        case .success(let file): return .success(core.shown(file, to: link))
        case .failure(let failure):
            return .failure(code: failure.code.rawValue, message: "The attachment cannot be had: \(failure.message).")
        }
    }

    func shown(_ file: StoredFile, to link: LinkID) -> JSONValue {
        var answer: JSONObject = ["size": .integer(file.size)]
        if let path = path(of: file, for: link) {
            answer["path"] = .string(path)
        } else {
            answer["file"] = .string(file.hash)
            answer["ending"] = .string(file.ending)
        }
        return .object(answer)
    }

    /// Where a peer of this machine finds a file.
    func path(of file: StoredFile, for link: LinkID) -> String? {
        link.isRemote || settings.fileFolder.isEmpty ? nil : "\(settings.fileFolder)/\(file.name)"
    }

    // MARK: download_attachment

    func downloadQuestion(_ call: Call, session: SessionID) -> Question? {
        call.arguments["event_id"]?.stringValue.flatMap(EventKey.init).map { .files(.attachments($0, session)) }
    }

    mutating func downloadAttachment(_ call: Call, from link: LinkID, knowing fact: Fact, _ now: Moment) {
        guard case .files(.attachments(let record?)) = fact, let name = sourceNames[record.source] else {
            return fail(
                call.id, .notFound,
                "No message with that event_id was delivered to this session: copy it from the tag.",
                link)
        }
        let attachments = Self.attachments(of: record.body)
        let number = call.arguments["number"]?.integerValue ?? 1
        guard !attachments.isEmpty else {
            let gone = record.body == nil ? " any more" : ""
            return fail(call.id, .notFound, "That message has no attachment\(gone).", link)
        }
        guard number >= 1, number <= Int64(attachments.count) else {
            return fail(
                call.id, .notFound, "That message has \(attachments.count) attachments: number is 1 to that.", link)
        }
        let position = Int(number) - 1
        if let file = record.files[position] { return answer(call.id, .success(shown(file, to: link)), to: link) }
        let attachment = attachments[position]
        if let size = attachment.size, size > settings.files.largest {
            return fail(
                call.id, .oversize,
                "The attachment has \(size) bytes, the limit is \(settings.files.largest) (files.largest).", link)
        }
        // One that was here a moment ago, or before the router was restarted, is waited for.
        guard let source = sources[name], source.link != nil || now.uptime < source.leaseEnd else {
            return fail(call.id, .unavailable, "\(name) is away; try again later.", link)
        }
        guard abilities(of: record.source)?.features.contains("fetch") ?? false,
            let id = fetch(attachment, position, of: record.event, record.head, from: name, isImage: false)
        else { return fail(call.id, .notAllowed, "\(name) cannot give the files of its messages.", link) }
        wait(Outbox.Caller(link: link, id: call.id, until: now.uptime + Self.downloadWait), for: id)
    }

    /// A caller hears within this time that the file is still on its way, in milliseconds.
    static let downloadWait: Int64 = 45_000

    private mutating func wait(_ caller: Outbox.Caller, for id: String) {
        // The same call again, over a new link.
        files.pulls[id]?.callers.removeAll { $0.id == caller.id }
        files.pulls[id]?.callers.append(caller)
        guard let count = files.pulls[id]?.callers.count, count > FileBook.callerLimit,
            let first = files.pulls[id]?.callers.removeFirst()
        else { return }
        fail(first.id, .flood, "Too many calls wait for this file.", first.link)
    }
}
