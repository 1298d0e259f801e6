import BusProtocol
import ChannelEvents
import JSON
import MessageBus
import MessageStore

/// QUERY: what a person's commands ask.
extension RouterCore {
    func queryQuestion(_ query: Call, from link: LinkID) -> Question? {
        if Self.letterQueries.contains(query.name) { return letterQuestion(query) }
        if query.name == "replay", case .operator = peers[link]?.kind { return replayQuestion(query) }
        guard query.name == "send", case .operator = peers[link]?.kind else { return nil }
        return part(for: query, key: operatorKey(query, link), session: unassignedSession, now: 0).map { .reply($0) }
    }

    /// Two operators may choose the same id: the process's own name for itself keeps them apart.
    private func operatorKey(_ query: Call, _ link: LinkID) -> String { "\(peers[link]?.instance ?? "")/\(query.id)" }

    mutating func query(_ query: Call, from link: LinkID, knowing fact: Fact, _ now: Moment) {
        guard case .operator = peers[link]?.kind else {
            return refuse(ProtocolError(.role, "QUERY is an operator's to say"), command: "QUERY", from: link)
        }
        if let refusal = settings.managed?.refusal(ofQuery: query.name) {
            return fail(query.id, .notAllowed, refusal, link)
        }
        switch query.name {
        case "status": read(.status(status(now)), query.id, link)
        case "sessions": answer(query.id, .success(["sessions": .array(sessionList)]), to: link)
        case "history":
            var place: Place?
            if let text = query.arguments["conversation"]?.stringValue {
                place = Conversation(text).flatMap { self.place(of: $0) }
                guard place != nil else {
                    return fail(query.id, .notFound, "no such conversation: a conversation is source:chat", link)
                }
            }
            let before = query.arguments["before"]?.stringValue.flatMap(EventKey.init)
            guard before != nil || query.arguments["before"] == nil else {
                return fail(query.id, .notFound, "before is the id of an event, such as history shows it", link)
            }
            read(
                .history(
                    place, before: before,
                    limit: Self.limit(query.arguments, standard: 50, most: 1_000)), query.id, link)
        case "send":
            reply(query, key: operatorKey(query, link), session: unassignedSession, from: link, knowing: fact, now)
        case let name where Self.routeQueries.contains(name): routeQuery(query, from: link, now)
        case let name where Self.accessQueries.contains(name): accessQuery(query, from: link, now)
        case "hook": hearCommand(query, from: link, now)
        case let name where Self.letterQueries.contains(name): letterQuery(query, from: link, knowing: fact, now)
        case "replay": replay(query, from: link, knowing: fact, now)
        case let name where Self.permissionQueries.contains(name): permissionQuery(query, from: link, now)
        case "adapter-exited": adapterExited(query, from: link, now)
        case "reload": effects.reload = ReadRequest.Asker(link: link, id: query.id)
        default:
            fail(
                query.id, .unknownCommand,
                "this router knows status, sessions, history, send, replay, adapter-exited, reload", link)
        }
    }

    /// The supervisor saw an adapter end: its lease ends now.
    private mutating func adapterExited(_ query: Call, from link: LinkID, _ now: Moment) {
        guard let name = query.arguments["source"]?.stringValue.flatMap(SourceName.init), let source = sources[name]
        else {
            return fail(query.id, .notFound, "no such source", link)
        }
        let isHolder = source.holder?.pid == query.arguments["pid"]?.integerValue
        if isHolder {
            if let held = source.link { drop(held, now) }
            sources[name]?.leaseEnd = 0
        }
        answer(query.id, .success(["released": .bool(isHolder)]), to: link)
    }

    private var sessionList: [JSONValue] {
        sessions.values.sorted { $0.record.label < $1.record.label }.map { session in
            var object: JSONObject = [
                "label": .string(session.record.label), "project": .string(session.record.project),
                "state": .string(session.word), "waiting": .integer(session.mailbox.count),
                "in_flight": .integer(Int64(session.inFlight.count)), "written": .integer(session.written),
                "hooks": .bool(session.turn.hasHooks), "heard": .bool(session.proof.hasSeen),
                "incarnation": .integer(session.record.incarnation),
            ]
            if let deafness = session.proof.deafness { object["deaf"] = .string(deafness.cause) }
            if let since = session.proof.deafness?.since { object["deaf_since_ms"] = .integer(since) }
            if session.turn.isWorking { object["busy"] = true }
            if let tool = session.turn.tools.values.min(by: { $0.since < $1.since }) {
                object["tool"] = .string(tool.summary ?? tool.name)
            }
            if session.isAttached { object["pid"] = .integer(session.pid) }
            if let last = session.lastDelivery { object["last_delivery_ms"] = .integer(last) }
            return .object(object)
        }
    }

    private var sourceList: [JSONValue] {
        sources.values.sorted { $0.name.text < $1.name.text }.map { source in
            var object: JSONObject = [
                "name": .string(source.name.text), "state": .string(source.word),
                "since_ms": .integer(source.healthSince),
                "events": .integer(source.admitted), "duplicates": .integer(source.duplicates),
                "refused": .integer(source.refused),
            ]
            if let reason = source.health.reason { object["reason"] = .string(reason) }
            if source.link != nil {
                object["pid"] = .integer(source.holder?.pid ?? 0)
                object["program"] = .string(source.hello?.program ?? "")
                object["abilities"] = source.hello?.abilities.json
            }
            if let last = source.lastEvent { object["last_event_ms"] = .integer(last) }
            return .object(object)
        }
    }

    private func status(_ now: Moment) -> JSONObject {
        let inFlight = sessions.values.reduce(0) { $0 + $1.inFlight.count }
        let queues: [(String, Int, Int)] = [
            ("outbox", outbox.count, Outbox.limit), ("callers", outbox.waiting.count, Outbox.limit),
            ("deliveries in flight", inFlight, sessions.values.reduce(0) { $0 + $1.credit }),
        ]
        let waiting = sessions.values.reduce(unassigned.count) { $0 + $1.mailbox.count }
        return [
            "waiting": .integer(waiting), "unassigned": .integer(unassigned.count),
            "outbox": .integer(Int64(outbox.count)),
            "sources": .array(sourceList), "sessions": .array(sessionList),
            "prompts": .array(promptList), "grants": .array(grantList(now)),
            "counters": .object(
                JSONObject(
                    counters.values.sorted { $0.key < $1.key }.map {
                        JSONObject.Member(key: $0.key, value: .integer($0.value))
                    })),
            "queues": .array(
                queues.map {
                    [
                        "name": .string($0.0), "length": .integer(Int64($0.1)), "limit": .integer(Int64($0.2)),
                        "dropped": 0,
                    ]
                }),
        ]
    }
}
