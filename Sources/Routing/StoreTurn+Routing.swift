import ChannelEvents
import MessageStore

/// Where the core's values meet the store: its questions are answered, its changes made.
extension StoreTurn {
    mutating func answer(_ question: Question, keys: SourceKeys, now: Moment) throws -> Fact {
        switch question {
        case .admit(var judgement):
            var numbers: [EventSequence?] = []
            numbers.reserveCapacity(judgement.verdicts.count)
            for verdict in judgement.verdicts {
                guard case .storable(let event, _) = verdict else {
                    numbers.append(nil)
                    continue
                }
                numbers.append(try admit(event, now: now.wall))
                if event.head.kind == .edit || event.head.kind == .deletion, event.body != nil {
                    judgement.originals[numbers.count - 1] = try original(of: event.head, source: event.source)
                }
                if let replyTo = event.head.replyTo {
                    judgement.speakers[numbers.count - 1] = try speaker(
                        of: replyTo, source: event.source, chat: event.head.chat)
                }
            }
            return .admitted(judgement, numbers)
        case .greeting(let source, let pid):
            return .greeting(key: source.flatMap { keys.key(of: $0) }, isRunning: pid.map(Process.isRunning) ?? false)
        case .reply(let part):
            var known = try self.part(key: part.key)
            // Only replies have a digest: the same reaction or edit again is meant.
            if known == nil, part.digest != 0 { known = try self.part(like: part, since: now.wall - Self.sameReply) }
            let place = Place(source: part.source, chat: part.chat, thread: part.thread)
            return .reply(
                known: try known.map { try parts(reply: $0.reply) } ?? [],
                hasHeard: try hasHeard(session: part.session, place))
        case .letters(let ids, let limit): return .letters(try letters(ids, limit: limit))
        case .replay(let request): return .replay(try replays(request))
        case .page(let session, let after, let limit):
            return .deliveries(try waiting(session: session, after: after, limit: limit))
        case .tools(.edit(let part, let message)):
            guard case .reply(let known, let hasHeard) = try answer(.reply(part), keys: keys, now: now) else {
                return .none
            }
            let sender = try speaker(of: message, source: part.source, chat: part.chat)
            return .tools(.edit(known: known, hasHeard: hasHeard, isOwn: sender == part.session))
        case .files(let question): return .files(try answer(question))
        case .permission(let question): return .permission(try answer(question))
        case .deliveries(let session, let events): return .deliveries(try deliveries(session: session, events: events))
        }
    }

    /// The same text to the same chat within this time counts as the same reply, in milliseconds.
    private static let sameReply: Int64 = 120_000

    mutating func apply(_ changes: [StoreChange], now: Moment) throws {
        for change in changes { try apply(change, now: now.wall) }
    }

    private mutating func apply(_ change: StoreChange, now: Int64) throws {
        switch change {
        case .delivery(let session, let event, let state, let offers):
            try insertDelivery(session: session, event: event, state: state, offers: offers, now: now)
        case .transition(let session, let event, let state, let offers, let reason):
            try setDelivery(session: session, event: event, state: state, offers: offers, reason: reason, now: now)
        case .assignment(let event, let session, let state, let offers):
            try removeDelivery(session: unassignedSession, event: event)
            try insertDelivery(session: session, event: event, state: state, offers: offers, now: now)
        case .cursor(let source, let cursor): try setCursor(source: source, cursor)
        case .newSource(let source, let name): try insertSource(source, name: name)
        case .holder(let source, let holder): try setHolder(source: source, holder)
        case .session(let session): try setSession(session, now: now)
        case .lastSession(let place, let session): try setLastSession(place, session: session)
        case .heard(let session, let place): try setHeard(session: session, place)
        case .newPart(let part): try insertPart(part)
        case .part(let part): try setPart(part, now: now)
        case .deadLetter(let source, let reason): try insertDeadLetter(source: source, reason: reason, now: now)
        case .audit(let entry): try append(entry, now: now)
        case .route(let change): try apply(change, now: now)
        case .access(let change): try apply(change)
        case .files(let change): try apply(change, now: now)
        case .tools(let change): try apply(change)
        case .outbox(let change): try apply(change)
        case .turn(let change): try apply(change, now: now)
        case .feed(let change): try apply(change)
        case .permission(let change): try apply(change)
        }
    }
}
