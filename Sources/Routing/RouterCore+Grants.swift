import AccessControl
import BusProtocol
import ChannelEvents
import JSON
import MessageBus
import MessageStore

/// Standing grants: given at a terminal or by a card, used by the router itself, counted.
extension RouterCore {
    /// The pattern that the button of a card would grant: this very call and no other. `nil` where grants are off, or
    /// cannot cover it.
    func grantPattern(for prompt: PermissionPrompt) -> String? {
        guard settings.permissions.allowsGrants, prompt.isCertain, !takesTwo(prompt.record),
            let input = input(of: prompt.record), let subject = Grant.subject(of: prompt.record.tool, input: input),
            Grant.complaint(about: subject, tool: prompt.record.tool) == nil
        else { return nil }
        return subject
    }

    private func input(of record: PromptRecord) -> JSONValue? {
        guard let bytes = record.input, case .success(let value) = Result(catching: { try JSONValue(parsing: bytes) })
        else { return nil }
        return value
    }

    /// Answers a prompt by a grant, if one covers it. - Returns: whether it did.
    mutating func useGrant(for prompt: PermissionPrompt, _ now: Moment) -> Bool {
        // Where no hook told the arguments, or it is not certain that it told those of this call, a person decides.
        guard settings.permissions.allowsGrants, prompt.isCertain, !takesTwo(prompt.record),
            let input = input(of: prompt.record)
        else { return false }
        let usable = relay.grants.values.sorted { $0.id < $1.id }.first { grant in
            grant.session == prompt.record.session && grant.tool == prompt.record.tool && isInForce(grant, now)
                && Grant.covers(grant.pattern, tool: grant.tool, input: input)
        }
        guard var grant = usable else { return false }
        grant.used += 1
        relay.grants[grant.id] = grant.left > 0 ? grant : nil
        effects.changes.append(.permission(.grant(grant)))
        var prompt = prompt
        prompt.record.state = .allowed
        prompt.record.decider = "grant"
        prompt.record.reason = "grant"
        prompt.record.ended = now.wall
        close(prompt, now)
        counters.add("grants.used")
        audit("grant-used", prompt.record, actor: grant.giver, rule: "grant \(grant.id), \(grant.left) left")
        sendVerdict(prompt.record.id, now)
        return true
    }

    /// Whoever may approve no longer has nothing to grant either.
    private func isInForce(_ grant: GrantRecord, _ now: Moment) -> Bool {
        guard grant.isValid(at: now.wall) else { return false }
        return grant.giver == "operator" || Address(grant.giver).map(policy.isApprover) ?? false
    }

    mutating func giveGrant(_ pattern: String, for record: PromptRecord, by arrival: Arrival, _ now: Moment) {
        add(
            GrantRecord(
                id: relay.nextGrant(), session: record.session, tool: record.tool, pattern: pattern,
                giver: Address(source: arrival.source, id: arrival.head.sender).description, created: now.wall,
                expires: now.wall + Grant.buttonLifetime, count: Grant.buttonCount),
            conversation: arrival.conversation.description, event: arrival.key.description)
    }

    private mutating func add(_ grant: GrantRecord, conversation: String? = nil, event: String? = nil) {
        relay.grants[grant.id] = grant
        effects.changes.append(.permission(.grant(grant)))
        audit(grant, "grant", actor: grant.giver, conversation: conversation, event: event)
    }

    private mutating func audit(
        _ grant: GrantRecord, _ kind: String, actor: String, conversation: String? = nil, event: String? = nil
    ) {
        effects.changes.append(
            .audit(
                AuditEntry(
                    kind: kind, actor: actor, conversation: conversation, event: event,
                    session: sessions[grant.session]?.record.label, rule: "grant \(grant.id)",
                    detail: "\(grant.tool) \(grant.pattern.prefix(200)), \(grant.count) times until "
                        + Timestamp.text(milliseconds: grant.expires))))
        if isTapWatched { tap("grant", ["grant": .integer(grant.id), "change": .string(kind)]) }
    }

    // MARK: What an operator asks

    static let permissionQueries: Set<String> = ["access.grant", "access.grants", "access.revoke"]

    mutating func permissionQuery(_ query: Call, from link: LinkID, _ now: Moment) {
        switch query.name {
        case "access.grants":
            answer(
                query.id,
                .success([
                    "on": .bool(settings.permissions.allowsGrants), "grants": .array(grantList(now)),
                ]), to: link)
        case "access.grant": grant(query, link, now)
        default: revoke(query, link, now)
        }
    }

    private mutating func grant(_ query: Call, _ link: LinkID, _ now: Moment) {
        let arguments = query.arguments
        guard settings.permissions.allowsGrants else {
            return fail(
                query.id, .notAllowed, "grants are off: set permissions.grants to true in switchboard.yaml", link)
        }
        guard let label = arguments["session"]?.stringValue, let session = labels[label] else {
            return fail(query.id, .notFound, "there is no such session: `switchboard sessions` names them", link)
        }
        guard let tool = arguments["tool"]?.stringValue, let pattern = arguments["matches"]?.stringValue else {
            return fail(query.id, .notFound, "a grant needs a tool and what it matches", link)
        }
        if let complaint = Grant.complaint(about: pattern, tool: tool) {
            return fail(query.id, .notAllowed, complaint, link)
        }
        guard !settings.permissions.twoPerson.contains(tool) else {
            return fail(query.id, .notAllowed, "\(tool) takes two people each time (permissions.two_person)", link)
        }
        let lifetime = arguments["for"]?.integerValue ?? Grant.buttonLifetime
        let count = arguments["count"]?.integerValue ?? 10
        guard (1_000...Grant.longest).contains(lifetime), (1...Grant.most).contains(count) else {
            return fail(query.id, .notAllowed, "a grant holds 24 hours at most, and \(Grant.most) times", link)
        }
        let grant = GrantRecord(
            id: relay.nextGrant(), session: session, tool: tool, pattern: pattern, giver: "operator",
            created: now.wall, expires: now.wall + lifetime, count: count)
        add(grant)
        answer(query.id, .success(json(grant, now)), to: link)
    }

    private mutating func revoke(_ query: Call, _ link: LinkID, _ now: Moment) {
        guard let id = query.arguments["grant"]?.integerValue, var grant = relay.grants[id], grant.isValid(at: now.wall)
        else {
            return fail(query.id, .notFound, "there is no such grant now: `switchboard access grants` shows them", link)
        }
        grant.isRevoked = true
        relay.grants[id] = nil
        effects.changes.append(.permission(.grant(grant)))
        audit(grant, "grant-revoked", actor: "operator")
        answer(query.id, .success(json(grant, now)), to: link)
    }

    func grantList(_ now: Moment) -> [JSONValue] {
        relay.grants.values.filter { $0.isValid(at: now.wall) }.sorted { $0.id < $1.id }.map { json($0, now) }
    }

    private func json(_ grant: GrantRecord, _ now: Moment) -> JSONValue {
        [
            "grant": .integer(grant.id), "session": .string(sessions[grant.session]?.record.label ?? ""),
            "tool": .string(grant.tool), "matches": .string(grant.pattern), "giver": .string(grant.giver),
            "expires_ms": .integer(grant.expires), "left": .integer(grant.left), "used": .integer(grant.used),
            "in_force": .bool(settings.permissions.allowsGrants && isInForce(grant, now)),
        ]
    }

    /// Open prompts for `status`; never their arguments.
    var promptList: [JSONValue] {
        relay.open.sorted().compactMap { relay[$0] }.map { prompt in
            let record = prompt.record
            return [
                "prompt": .integer(record.id), "session": .string(sessions[record.session]?.record.label ?? ""),
                "tool": .string(CardText.line(record.tool, limit: 64)), "code": .string(record.code),
                "asked_ms": .integer(record.asked), "renewals": .integer(record.renewals),
                "cards": .array(
                    prompt.asks.compactMap { card in
                        sourceNames[card.place.source].map {
                            .string(
                                Conversation(source: $0, chat: card.place.chat, thread: card.place.thread).description)
                        }
                    }),
                "reachable": .bool(!prompt.asks.isEmpty), "whole": .bool(record.input != nil),
            ]
        }
    }
}
