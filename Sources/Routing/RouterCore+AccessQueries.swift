import AccessControl
import BusProtocol
import ChannelEvents
import JSON
import MessageBus
import MessageStore

/// `switchboard access` and `switchboard explain`: what an operator asks and changes. Each change holds from the commit
/// of its turn on, and after every restart.
extension RouterCore {
    static let accessQueries: Set<String> = [
        "access.list", "access.pair", "access.deny", "access.allow", "access.remove", "access.approver", "access.group",
        "access.policy", "access.audit", "access.verify", "explain",
    ]

    mutating func accessQuery(_ query: Call, from link: LinkID, _ now: Moment) {
        switch query.name {
        case "access.list": return answer(query.id, .success(accessList(now)), to: link)
        case "explain": return explain(query, link, now)
        case "access.audit" where query.arguments["decisions"]?.boolValue ?? false:
            return read(.decisions(limit: Self.limit(query.arguments, standard: 50, most: 1_000)), query.id, link)
        case "access.audit":
            let before = query.arguments["before"]?.integerValue
            return read(
                .audit(before: before, limit: Self.limit(query.arguments, standard: 50, most: 1_000)), query.id, link)
        case "access.verify": return read(.auditVerification, query.id, link)
        default: break
        }
        guard !settings.isAccessStatic else {
            return fail(
                query.id, .notAllowed,
                "access is static in this configuration: change `access` in switchboard.yaml and send `switchboard up` "
                    + "a SIGHUP", link)
        }
        switch query.name {
        case "access.pair": pair(query, link, now)
        case "access.deny": deny(query, link, now)
        case "access.allow", "access.remove", "access.approver": changeSender(query, link, now)
        case "access.group": changeGroup(query, link, now)
        default: changePolicy(query, link, now)
        }
    }

    // MARK: Changes

    private mutating func amend(_ amendment: AccessAmendment, kind: String, _ subject: String, _ detail: String) {
        access.amend(amendment.record)
        recomputePolicy()
        effects.changes.append(.access(.amendment(amendment.record)))
        effects.changes.append(
            .audit(AuditEntry(kind: kind, actor: "operator", conversation: subject, detail: detail)))
        if isTapWatched { tap("access", ["change": .string(kind), "subject": .string(subject)]) }
    }

    private mutating func takePairing(_ query: Call, _ link: LinkID, _ now: Moment) -> Pairing? {
        guard !access.isRateLimited(now) else {
            fail(query.id, .flood, "too many wrong codes: wait a minute", link)
            return nil
        }
        guard let code = query.arguments["code"]?.stringValue.flatMap(PairingCode.normalized),
            let pairing = access.pairings[code], access.isValid(pairing, now)
        else {
            access.noteWrongCode(now)
            counters.add("pairing.wrong")
            fail(
                query.id, .notFound,
                "there is no such code now: a code holds for one hour; `switchboard access list` shows those that wait",
                link)
            return nil
        }
        access.pairings[code] = nil
        effects.changes.append(.access(.endPairing(code)))
        return pairing
    }

    private mutating func pair(_ query: Call, _ link: LinkID, _ now: Moment) {
        guard let pairing = takePairing(query, link, now), let name = sourceNames[pairing.source] else { return }
        let address = Address(source: name, id: pairing.sender)
        let approves = query.arguments["approver"]?.boolValue ?? false
        if let obstacle = obstacle(toLetIn: address, asApprover: approves) {
            return fail(query.id, .notAllowed, obstacle, link)
        }
        access.forgetRefused(address)
        amend(.sender(address, isListed: true), kind: "paired", address.description, "sender")
        if approves { amend(.approver(address, isListed: true), kind: "approver", address.description, "in") }
        // The chat is known from now on, although nothing of it was ever stored.
        let chat = ChatKey(source: pairing.source, chat: pairing.chat)
        let head = EventHead(id: "-", chat: pairing.chat, sender: pairing.sender, flags: .direct, time: now.wall)
        if let admission = access.noteAdmission(head, of: pairing.source, by: .listed) {
            effects.changes.append(.access(.admission(chat, admission)))
        }
        say(
            Notice(
                key: "paired:\(pairing.code):\(pairing.created)",
                text: approves
                    ? "You are let in, and may answer permission prompts here. What you wrote before was not kept: send it again."
                    : "You are let in. What you wrote before was not kept: send it again.", isSilent: false),
            to: Place(source: pairing.source, chat: pairing.chat, thread: pairing.thread), now)
        answer(
            query.id,
            .success([
                "address": .string(address.description), "approver": .bool(approves),
                "approvers": .integer(Int64(policy.approvers.count)),
            ]), to: link)
    }

    /// What the administrator's policy has against it; `nil` when nothing.
    private func obstacle(toLetIn address: Address, asApprover: Bool) -> String? {
        guard let managed = settings.managed else { return nil }
        let kind = policy.kind(of: address.source)
        guard managed.ceiling.allows(sender: address.id, of: kind) else {
            return "\(address) may not be let in on this machine: \(managed.file)"
        }
        guard asApprover else { return nil }
        return managed.ceiling.allows(approver: address.id, of: kind)
            ? managed.refusal(ofQuery: "access.approver")
            : "\(address) may not be an approver on this machine: \(managed.file)"
    }

    private mutating func deny(_ query: Call, _ link: LinkID, _ now: Moment) {
        guard let pairing = takePairing(query, link, now), let name = sourceNames[pairing.source] else { return }
        let address = Address(source: name, id: pairing.sender)
        effects.changes.append(
            .audit(AuditEntry(kind: "pairing-denied", actor: "operator", conversation: address.description)))
        answer(query.id, .success(["address": .string(address.description)]), to: link)
    }

    private mutating func changeSender(_ query: Call, _ link: LinkID, _ now: Moment) {
        guard let source = source(named: query, link), let id = query.arguments["id"]?.stringValue else { return }
        if let complaint = SenderID.complaint(id) { return fail(query.id, .notAllowed, complaint, link) }
        let address = Address(source: source, id: id)
        let isListed = query.arguments["listed"]?.boolValue ?? true
        var told = false
        let letsIn = query.name == "access.allow" || query.name == "access.approver" && isListed
        if letsIn, let obstacle = obstacle(toLetIn: address, asApprover: query.name == "access.approver") {
            return fail(query.id, .notAllowed, obstacle, link)
        }
        switch query.name {
        case "access.allow":
            access.forgetRefused(address)
            amend(.sender(address, isListed: true), kind: "allowed", address.description, "sender")
        case "access.remove":
            let groups = policy[source].groups.filter { $0.value.allow?.ids.contains(id) ?? false }
            guard policy[source].isListed(id) || !groups.isEmpty else {
                return fail(
                    query.id, .notFound, "\(address) is not let in: `switchboard access list` shows who is", link)
            }
            for (chat, group) in groups.sorted(by: { $0.key < $1.key }) {
                var group = group
                group.allow?.ids.remove(id)
                amendGroup(Conversation(source: source, chat: chat), group)
            }
            amend(.approver(address, isListed: false), kind: "approver", address.description, "out")
            amend(.sender(address, isListed: false), kind: "removed", address.description, "sender")
        default:
            amend(
                .approver(address, isListed: isListed), kind: "approver", address.description, isListed ? "in" : "out")
            if isListed, let place = directPlace(of: address) {
                told = say(
                    Notice(
                        key: "approver:\(address):\(now.wall)",
                        text:
                            "You may answer permission prompts here from now on. This is a test: cards arrive in this chat.",
                        isSilent: false), to: place, now)
            }
        }
        answer(
            query.id,
            .success([
                "address": .string(address.description), "listed": .bool(policy[source].isListed(id)),
                "approver": .bool(policy.isApprover(address)), "told": .bool(told),
                // Where whoever can write is let in, one person cannot be kept out.
                "open_groups": .array(
                    policy[source].groups.filter { $0.value.allow?.isAnyone ?? false }.keys.sorted().map {
                        .string(Conversation(source: source, chat: $0).description)
                    }),
            ]), to: link)
    }

    private mutating func amendGroup(_ conversation: Conversation, _ group: GroupPolicy) {
        amend(
            .group(conversation.source, chat: conversation.chat, group), kind: "group", conversation.description,
            String(group.json.text.prefix(500)))
    }

    private mutating func changeGroup(_ query: Call, _ link: LinkID, _ now: Moment) {
        guard let text = query.arguments["conversation"]?.stringValue, let conversation = Conversation(text),
            conversation.thread == nil
        else {
            return fail(
                query.id, .notFound, "a group is source:chat; its threads and topics inherit from it", link)
        }
        guard sources[conversation.source] != nil || settings.adapters[conversation.source] != nil else {
            return fail(query.id, .notFound, "there is no source \(conversation.source)", link)
        }
        if query.arguments["off"]?.boolValue ?? false {
            guard policy[conversation.source].groups[conversation.chat] != nil else {
                return fail(query.id, .notFound, "\(conversation) is not enabled", link)
            }
            amend(
                .group(conversation.source, chat: conversation.chat, nil), kind: "group", conversation.description,
                "off")
            return answer(query.id, .success(["conversation": .string(text), "enabled": false]), to: link)
        }
        if let managed = settings.managed,
            !managed.ceiling.allows(group: conversation.chat, of: policy.kind(of: conversation.source))
        {
            return fail(
                query.id, .notAllowed, "\(conversation) may not be enabled on this machine: \(managed.file)", link)
        }
        var group = policy[conversation.source].groups[conversation.chat] ?? GroupPolicy()
        if let flag = query.arguments["require_mention"]?.boolValue { group.requiresMention = flag }
        if let texts = query.arguments["mention_patterns"]?.arrayValue?.compactMap(\.stringValue) {
            group.mentionPatterns = texts.compactMap(MentionPattern.init)
            guard group.mentionPatterns.count == texts.count else {
                return fail(
                    query.id, .notAllowed,
                    "a mention pattern is text of 1 to \(MentionPattern.limit) bytes, with * for anything", link)
            }
        }
        if let entries = query.arguments["allow"]?.arrayValue?.compactMap(\.stringValue) {
            if let complaint = entries.lazy.compactMap(GroupAllow.complaint).first {
                return fail(query.id, .notAllowed, complaint, link)
            }
            group.allow = GroupAllow(entries: entries)
        }
        if let labels = query.arguments["sessions"]?.arrayValue?.compactMap(\.stringValue) {
            group.sessions = labels.isEmpty ? nil : labels
        }
        amendGroup(conversation, group)
        answer(
            query.id, .success(["conversation": .string(text), "enabled": true, "group": group.json]), to: link)
    }

    private mutating func changePolicy(_ query: Call, _ link: LinkID, _ now: Moment) {
        guard let source = source(named: query, link) else { return }
        guard let direct = query.arguments["policy"]?.stringValue.flatMap(SourcePolicy.DirectPolicy.init) else {
            return fail(query.id, .notFound, "a policy is pairing, allowlist or disabled", link)
        }
        amend(.directPolicy(source, direct), kind: "policy", source.text, direct.rawValue)
        answer(
            query.id, .success(["source": .string(source.text), "policy": .string(direct.rawValue)]), to: link)
    }

    private mutating func source(named query: Call, _ link: LinkID) -> SourceName? {
        if let name = query.arguments["source"]?.stringValue.flatMap(SourceName.init),
            sources[name] != nil || settings.adapters[name] != nil
        {
            return name
        }
        fail(query.id, .notFound, "there is no such source: `switchboard status` names those there are", link)
        return nil
    }

    // MARK: Questions

    private func accessList(_ now: Moment) -> JSONValue {
        let names = Set(policy.sources.keys).union(sources.keys).sorted { $0.text < $1.text }
        let listed = names.map { name -> JSONValue in
            let rules = policy[name]
            return [
                "source": .string(name.text), "dm_policy": .string((rules.directPolicy ?? .pairing).rawValue),
                "allow": .array(rules.allow.sorted().map(JSONValue.string)),
                "approvers": .array(rules.approvers.sorted().map(JSONValue.string)),
                "trust_loopback": .bool(rules.trustsLoopback),
                "groups": .array(
                    rules.groups.sorted { $0.key < $1.key }.map { chat, group in
                        [
                            "conversation": .string(Conversation(source: name, chat: chat).description),
                            "policy": group.json,
                        ]
                    }),
            ]
        }
        let waiting = access.pairings.values.filter { access.isValid($0, now) }.sorted { $0.created < $1.created }
        return [
            "static": .bool(settings.isAccessStatic), "policy_file": settings.managed.map { .string($0.file) } ?? .null,
            "sources": .array(listed),
            "pairings": .array(
                waiting.compactMap { pairing in
                    sourceNames[pairing.source].map { name in
                        [
                            "code": .string(pairing.code),
                            "address": .string(Address(source: name, id: pairing.sender).description),
                            "created_ms": .integer(pairing.created),
                            "expires_ms": .integer(pairing.created + AccessBook.pairingLifetime),
                        ]
                    }
                }),
            "refused": .array(
                access.refused.reversed().map { entry in
                    [
                        "address": .string(entry.address.description),
                        "conversation": .string(entry.conversation.description),
                        "rule": .string(entry.rule.rawValue), "why": .string(entry.rule.sentence),
                        "at_ms": .integer(entry.at), "mend": .string(mend(entry)),
                    ]
                }),
            "people": .array(
                policy.people.map { person in
                    [
                        "name": .string(person.name), "owner": .bool(person.isOwner),
                        "addresses": .array(person.addresses.map { .string($0.description) }),
                    ]
                }),
        ]
    }

    /// The line that would let somebody in.
    private func mend(_ entry: AccessBook.Refused) -> String {
        let chat = Conversation(source: entry.conversation.source, chat: entry.conversation.chat)
        if settings.isAccessStatic { return "change access.\(entry.address.source) in switchboard.yaml" }
        switch entry.rule {
        case .groupOff: return "switchboard access group add \(chat)"
        case .notMentioned: return "switchboard access group set \(chat) --require-mention false"
        case .directDisabled: return "switchboard access policy \(entry.address.source) allowlist"
        case .unpaired: return "switchboard access allow \(entry.address.source) \(entry.address.id)"
        case .notListed where entry.isDirect:
            return "switchboard access allow \(entry.address.source) \(entry.address.id)"
        case .notListed:
            // What is given replaces the group's list: those who stand in it stay.
            guard let allow = policy[entry.address.source].groups[chat.chat]?.allow else {
                return "switchboard access allow \(entry.address.source) \(entry.address.id)"
            }
            let entries = allow.entries + [entry.address.id]
            return "switchboard access group set \(chat) " + entries.map { "--allow \($0)" }.joined(separator: " ")
        case .noSession: return "switchboard access group set \(chat) --session all"
        case .managed: return settings.managed.map { "ask the administrator: \($0.file)" } ?? ""
        default: return ""
        }
    }
}
