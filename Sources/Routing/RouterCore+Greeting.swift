import AccessControl
import BusProtocol
import ChannelEvents
import JSON
import MessageBus
import MessageStore

/// HELLO and what follows: who may be what.
extension RouterCore {
    func greetingQuestion(_ hello: Hello) -> Question {
        switch hello.role {
        case .adapter:
            let name = SourceName(hello.name)
            return .greeting(source: name, pid: name.flatMap { sources[$0]?.holder?.pid })
        case .endpoint:
            let holder = sessionFor(hello).flatMap { sessions[$0] }
            return .greeting(source: nil, pid: holder.map { $0.parent != 0 ? $0.parent : $0.pid })
        case .operator: return .greeting(source: nil, pid: nil)
        }
    }

    mutating func greet(
        _ hello: Hello, _ link: LinkID, _ authorized: BusListener.AuthorizedPeer?, _ fact: Fact, _ now: Moment
    ) {
        guard case .greeting(let key, let isRunning) = fact else { return }
        guard hello.version >= max(1, BusLimits.version - 1), hello.version <= BusLimits.version else {
            return reject(
                .version, "this router speaks version \(BusLimits.version): update the older of the two", link)
        }
        if let authorized, authorized.role != hello.role || authorized.name != hello.name {
            return reject(.notAllowed, "this key may only be the \(authorized.role.rawValue) \(authorized.name)", link)
        }
        if peers[link] != nil { drop(link, now) }
        switch hello.role {
        case .operator: welcome(hello, as: .operator, name: hello.name, link, now)
        case .endpoint: greetEndpoint(hello, link, holderRuns: isRunning, now)
        case .adapter:
            guard SourceName(hello.name) != nil else {
                return reject(.sourceName, "a source is 1 to 32 of a-z, 0-9 and -, starting with a letter", link)
            }
            if let name = SourceName(hello.name), let managed = settings.managed,
                !managed.ceiling.allows(kind: policy.kind(of: name))
            {
                return reject(
                    .notAllowed, "adapters of the kind \(policy.kind(of: name)) are not allowed by \(managed.file)",
                    link)
            }
            if authorized == nil {
                guard let key, let shown = hello.key, Self.isEqual(key, shown) else {
                    return reject(
                        .sourceKey, "HELLO needs the key of the source \(hello.name): see 'switchboard keys'", link)
                }
            }
            greetAdapter(hello, link, holderRuns: isRunning, now)
        }
    }

    /// Compares in a time that does not tell where two keys differ.
    private static func isEqual(_ one: String, _ other: String) -> Bool {
        let one = Array(one.utf8)
        let other = Array(other.utf8)
        guard one.count == other.count else { return false }
        return zip(one, other).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
    }

    private mutating func reject(_ code: ProtocolError.Code, _ message: String, _ link: LinkID) {
        counters.add("rejected.\(code.rawValue)")
        effects.send(.bye(Bye(ProtocolError(code, message))), to: link)
    }

    private mutating func welcome(
        _ hello: Hello, as kind: Peer.Kind, name: String, cursor: JSONValue? = nil,
        credit: Credit = Credit(events: 256, bytes: 1 << 20),
        settings: JSONValue? = nil, _ link: LinkID, _ now: Moment
    ) {
        epoch += 1
        links.open(link, epoch: epoch, next: hello.next, now: now.uptime)
        peers[link] = Peer(kind: kind, instance: hello.instance)
        effects.send(
            .welcome(
                Welcome(
                    epoch: epoch, name: name, cursor: cursor, credit: credit, settings: settings,
                    router: self.settings.version)), to: link)
    }

    // MARK: Adapters

    private mutating func greetAdapter(_ hello: Hello, _ link: LinkID, holderRuns: Bool, _ now: Moment) {
        guard let name = SourceName(hello.name) else { return }
        if sources[name] == nil {
            let id = (sourceNames.keys.max() ?? 0) + 1
            sources[name] = Source(SourceRecord(id: id, name: name))
            sourceNames[id] = name
            effects.changes.append(.newSource(id, name))
        }
        guard var source = sources[name] else { return }
        // The pid of a process on another machine says nothing here: while its link stands, it runs.
        if let holder = source.holder, holder.instance != hello.instance, holderRuns || source.link?.isRemote == true,
            source.link != nil || now.uptime < source.leaseEnd
        {
            return reject(
                .sourceTaken,
                "\(name) is held by process \(holder.pid) since \(Timestamp.text(milliseconds: holder.since)): stop that one first",
                link)
        }
        let cursor: JSONValue?
        do { cursor = try source.cursor.map { try JSONValue(parsing: $0) } } catch {
            // Without it the adapter would begin anew; it was read when it was admitted.
            return reject(.unavailable, "the stored cursor of \(name) cannot be read: \(error)", link)
        }
        // The old link, if there is one, is fenced: its next frame finds a stranger.
        if let old = source.link, old != link {
            effects.send(.bye(Bye(ProtocolError(.fenced, "another adapter holds \(name) now"))), to: old)
            drop(old, now)
        }
        let cameBack = source.holder?.instance == hello.instance
        if !cameBack {
            source.holder = SourceRecord.Holder(instance: hello.instance, pid: hello.pid, since: now.wall)
            effects.changes.append(.holder(source.id, source.holder))
        }
        source.link = link
        source.hello = hello
        if source.abilities != hello.abilities {
            effects.changes.append(.outbox(.abilities(source.id, hello.abilities.json.bytes)))
            source.abilities = hello.abilities
        }
        source.health = Health(state: .up)
        source.healthSince = now.wall
        sources[name] = source
        recomputePolicy()
        routes.topics.isStirred = true
        welcome(
            hello, as: .adapter(name), name: name.text, cursor: cursor, credit: settings.adapterCredit,
            settings: settings.adapters[name], link, now)
        if isTapWatched { tap("source", ["source": .string(name.text), "state": "up", "pid": .integer(hello.pid)]) }
        filesGoOn(from: name)
        settleSending(
            of: source.id, cameBack: cameBack, isIdempotent: hello.abilities.features.contains("idempotent"), now)
    }

    /// HEALTH.
    mutating func note(_ health: Health, from link: LinkID, _ now: Moment) {
        guard case .adapter(let name) = peers[link]?.kind, let source = sources[name] else {
            return refuse(ProtocolError(.role, "HEALTH is an adapter's to say"), command: "HEALTH", from: link)
        }
        if health.state != source.health.state {
            sources[name]?.healthSince = now.wall
            if isTapWatched {
                tap(
                    "source",
                    [
                        "source": .string(name.text), "state": .string(health.state.rawValue),
                        "reason": .string(health.reason ?? ""),
                    ])
            }
        }
        sources[name]?.health = health
        if !health.resumed.isEmpty { outbox.resume(source: source.id, chats: Set(health.resumed)) }
    }

    // MARK: Endpoints

    /// The session that an endpoint means: its own instance's, else the one with its label and project.
    private func sessionFor(_ hello: Hello) -> SessionID? {
        let own = sessions.first { $0.value.instance == hello.instance || $0.value.record.instance == hello.instance }
        return own?.key ?? namesakes(of: hello).first
    }

    /// The sessions of this label and project: itself, and those whose labels were made unique from it, in that order.
    private func namesakes(of hello: Hello) -> [SessionID] {
        let wanted = SessionLabel.from(hello.name)
        var namesakes: [SessionID] = []
        var label = wanted
        var number = 1
        while let id = session(called: label), let session = sessions[id] {
            if session.record.project == (hello.project ?? "") || session.record.project.isEmpty {
                namesakes.append(id)
            }
            number += 1
            label = "\(wanted)-\(number)"
        }
        return namesakes
    }

    /// No two differ only in upper and lower case: nobody could type the difference on a phone.
    private func uniqueLabel(_ wanted: String) -> String {
        guard session(called: wanted) != nil else { return wanted }
        var number = 2
        while session(called: "\(wanted)-\(number)") != nil { number += 1 }
        return "\(wanted)-\(number)"
    }

    /// Sessions that are remembered; past it an endpoint that would be a new one is turned away.
    static let sessionLimit = 4_096

    private mutating func greetEndpoint(_ hello: Hello, _ link: LinkID, holderRuns: Bool, _ now: Moment) {
        let known = sessionFor(hello).flatMap { sessions[$0] }
        let cameBack = known?.instance == hello.instance || known?.record.instance == hello.instance
        // A live session of another Claude Code keeps its label; this one gets a label of its own.
        let isTaken =
            !cameBack && known?.isAttached == true && (holderRuns || known?.link?.isRemote == true)
            && (hello.parent == nil || known?.parent != hello.parent)
        // One that was here before and is away: a handshake that vanishes must not leave one more behind each time.
        let free =
            isTaken ? namesakes(of: hello).first { sessions[$0]?.isAttached == false }.flatMap { sessions[$0] } : known
        var session: Session
        if let free {
            session = free
        } else {
            guard sessions.count < Self.sessionLimit else {
                return reject(.flood, "there are \(Self.sessionLimit) sessions already", link)
            }
            let wanted = uniqueLabel(SessionLabel.from(hello.name))
            let record = SessionRecord(
                id: (sessions.keys.max() ?? 0) + 1, label: wanted, project: hello.project ?? "", incarnation: 0)
            session = Session(record: record, waiting: 0)
            labels[SessionLabel.folded(wanted)] = record.id
        }
        if let old = session.link, old != link {
            effects.send(
                .bye(Bye(code: "replaced", message: "a newer connection of this session replaced this one")), to: old)
            links.close(old)
            peers[old] = nil
        }
        session.link = link
        session.pid = hello.pid
        session.parent = hello.parent ?? 0
        session.credit = Int(min(max(hello.credit ?? 256, 1), 4_096))
        session.parkedInbox = nil
        session.instance = hello.instance
        if !cameBack {
            session.record.incarnation += 1
            session.record.project = hello.project ?? session.record.project
            effects.changes.append(.session(session.record))
        }
        let isProved = session.record.instance == hello.instance
        sessions[session.record.id] = session
        setPhase(isProved ? .ready : .settling(until: now.uptime + settings.attachSettle), of: session.record.id)
        welcome(hello, as: .endpoint(session.record.id), name: session.record.label, link, now)
        // A verdict goes before everything that waits.
        relayAttached(session.record.id, isNewIncarnation: !cameBack, now)
        reclaim(session.record.id, written: Set(hello.written), isNewIncarnation: !cameBack, now)
        if isTapWatched {
            tap(
                "session",
                [
                    "session": .string(session.record.label), "state": .string(sessions[session.record.id]?.word ?? ""),
                    "pid": .integer(hello.pid),
                ])
        }
    }
}
