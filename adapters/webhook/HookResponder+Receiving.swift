import AdapterKit
import HTTPTypes
import HummingbirdCore
import NIOCore

/// `POST /hooks/NAME`.
extension HookResponder {
    func receive(
        _ request: Request, _ parts: inout RequestBody.AsyncIterator, _ name: HookName, _ channel: any Channel,
        _ writer: borrowing ResponseWriter
    ) async throws -> HookAnswer {
        if let route = gate.signingRoute(name) {
            return try await receiveSigned(request, &parts, route, channel, writer)
        }
        // All that can be judged by the head is, before a byte of the body is read.
        let admission = admission(request, channel, name)
        guard case .admitted(let authentication, let sender) = admission else {
            return admission.refusal ?? .unauthorized
        }
        let route = gate.routes?[name]
        if let refusal = pause(of: name) ?? overspent(route) { return refusal }
        let key = request.headers[.idempotencyKey]
        guard let form = HookBody.Form(contentType: request.headers[.contentType]),
            route?.takes(contentType: request.headers[.contentType]) ?? true
        else { return .mediaType }
        guard let identity = HookBody.identity(idempotencyKey: key) else { return .idempotencyKey }
        do throws(HookBody.Unusable) {
            let wants = try HookWants(query: request.uri.query, headers: request.headers, route: route)
            guard let bytes = try await body(request, &parts, channel, writer, limit: route?.limit ?? HookBody.limit)
            else { return .oversize }
            let chat = gate.chat(of: name)
            func head(_ notice: HookNotice) -> EventHead {
                notice.head(name, in: chat, sender: sender, authentication, now: SystemClock.milliseconds)
            }
            if let notices = try HookReading.cloudEvents(request.headers, bytes, route) {
                guard !notices.isEmpty else { return .ignored }
                return await take(notices.map { Event(head: head($0), body: $0.body) }, wants, chat)
            }
            guard
                let notice = try HookReading.open(bytes, as: form, identity: identity, isNamed: key != nil, route)
            else { return .ignored }
            let event = Event(head: head(notice), body: notice.body)
            return await take([keepingOriginal(bytes, isJSON: form == .json, of: event)], wants, chat)
        } catch {
            return HookAnswer(error)
        }
    }

    /// The whole body, after an expectation was answered; `nil` when it is too long.
    func body(
        _ request: Request, _ parts: inout RequestBody.AsyncIterator, _ channel: any Channel,
        _ writer: borrowing ResponseWriter, limit: Int
    ) async throws(HookBody.Unusable) -> [UInt8]? {
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > limit { return nil }
        let deadline = channel.eventLoop.scheduleTask(in: Self.bodyPatience) { channel.close(promise: nil) }
        defer { deadline.cancel() }
        var bytes: [UInt8] = []
        do {
            if request.headers[.expect]?.lowercased() == "100-continue" {
                try await writer.writeInformationalHead(HTTPResponse(status: .continue))
            }
            while let part = try await parts.next() {
                guard bytes.count + part.readableBytes <= limit else { return nil }
                bytes.append(contentsOf: part.readableBytesView)
            }
        } catch {
            throw HookBody.Unusable(status: 400, code: "incomplete", message: "the body ended before its end")
        }
        return bytes
    }

    /// What was told in other words than it came in can be looked at as it came.
    func keepingOriginal(_ raw: [UInt8], isJSON: Bool, of event: Event) -> Event {
        guard !event.body.text.utf8.elementsEqual(raw),
            let attachment = originals.keep(raw, isJSON: isJSON, for: event.head.id)
        else { return event }
        var event = event
        event.body.attachments = [attachment]
        event.body.original = nil
        return event
    }

    // MARK: Storing

    /// Publishes, and then does what the caller wants: keeps his request open, notes where the answer goes.
    /// - Parameter events: at least one; they are committed together.
    func take(_ events: [Event], _ wants: HookWants, _ chat: HookName) async -> HookAnswer {
        guard let first = events.first?.head else { return .ignored }
        guard let wait = wants.wait else { return await publish(events, wants) }
        // It waits before it is stored: the answer may be faster than the way back.
        guard let waiter = replies.wait(for: first.id, in: chat) else {
            return .unavailable("shutting-down", "the webhook stops")
        }
        let answer = await publish(events, wants)
        guard answer.status == .accepted else {
            replies.leave(waiter, from: chat)
            return answer
        }
        let timer = Task {
            try await Task.sleep(for: .seconds(wait))
            waiter.close()
        }
        let reply = await waiter.reply()
        timer.cancel()
        replies.leave(waiter, from: chat)
        guard let reply else { return answer }
        return .answered(EventKey(source: connection.source, id: first.id).description, reply)
    }

    private func publish(_ events: [Event], _ wants: HookWants) async -> HookAnswer {
        let key = EventKey(source: connection.source, id: events.first?.head.id ?? "").description
        do throws(PublishError) {
            let publication = try await commit(events, callback: wants.callback)
            guard let refusal = publication.refused.first else {
                connection.log.info("event stored", metadata: ["event": "\(key)"])
                return .stored(key)
            }
            for event in events where !event.body.attachments.isEmpty { originals.forget(event.head.id) }
            connection.log.notice("event refused", metadata: ["event": "\(key)", "code": "\(refusal.code)"])
            let isForbidden = refusal.code == ProtocolError.Code.notAllowed.rawValue
            let message = "Switchboard did not take this message: \(refusal.code)"
            return .refusal(isForbidden ? .forbidden : .unprocessableContent, refusal.code, message, ends: false)
        } catch {
            connection.log.notice("event not stored", metadata: ["event": "\(key)", "code": "\(error.code.rawValue)"])
            return .unavailable(error.code.rawValue, error.description)
        }
    }

    /// Most messages mean nothing for what is remembered, and need not wait for each other.
    private func commit(_ events: [Event], callback: CallbackURL?) async throws(PublishError) -> Publication {
        guard callback != nil || events.contains(where: { $0.head.state != nil }) else {
            return try await connection.publish(events, within: Self.commitPatience)
        }
        return try await ledger.publish(events, within: Self.commitPatience) { record, events in
            for index in events.indices { record.relate(&events[index].head) }
            if let callback, let id = events.first?.head.id { record.call(back: callback.text, for: id) }
        }
    }
}

extension HookAnswer {
    init(_ error: HookBody.Unusable) {
        self = .refusal(HTTPResponse.Status(code: error.status), error.code, error.message, ends: false)
    }
}

extension HookReading {
    /// What a caller says that the gate let in.
    /// - Returns: `nil` for what the route's filters drop.
    static func open(
        _ raw: [UInt8], as form: HookBody.Form, identity: String, isNamed: Bool, _ route: HookRoute?
    ) throws(HookBody.Unusable) -> HookNotice? {
        var notice = HookNotice(identity: identity, body: try HookBody.read(raw, as: form))
        let json = notice.body.original ?? (form == .json ? parsed(raw) : nil)
        guard route?.rule.takes(json) ?? true else { return nil }
        guard let json else { return notice }
        // Monitoring that cannot sign speaks in a form of its own; a key of the caller's goes before it.
        if let summary = HookSummary.alerts(json) {
            notice = HookNotice(summary, original: json)
            if isNamed { notice.identity = identity }
        }
        route?.rule.apply(to: &notice, json, keepsIdentity: isNamed)
        if notice.body.json.count > BusLimits.payloadBytes { notice.body.original = nil }
        return notice
    }

    private static func parsed(_ raw: [UInt8]) -> JSONValue? {
        do throws(JSONError) { return try JSONValue(parsing: raw) } catch { return nil }
    }

    /// - Returns: `nil` when the request carries no CloudEvents.
    static func cloudEvents(_ headers: HTTPFields, _ raw: [UInt8], _ route: HookRoute?) throws(HookBody.Unusable)
        -> [HookNotice]?
    {
        guard let events = try cloudEvents(headers, raw) else { return nil }
        return events.compactMap { event in
            guard route?.rule.takes(event.envelope) ?? true else { return nil }
            var notice = HookNotice(event.summary, original: event.envelope)
            // `source` and `id` name a CloudEvent; a route's rule has nothing to add to that.
            route?.rule.apply(to: &notice, event.envelope, keepsIdentity: true)
            if notice.body.json.count > BusLimits.payloadBytes { notice.body.original = nil }
            return notice
        }
    }
}
