import AccessControl
import ChannelEvents
import JSON
import MessageStore

/// What the router remembers for access beside the configuration: changes, pairings, how chats came in, who was refused.
struct AccessBook: Sendable {
    /// In the order of the store; each subject once.
    private(set) var amendments: [AmendmentRecord]
    var pairings: [String: Pairing]
    private(set) var admissions: [ChatKey: ChatAdmission]
    /// Threads that addressed us.
    private var addressed: Set<Place>
    /// When each bot spoke within the last minute, as uptime.
    private var botTimes: [BotPair: [Int64]] = [:]
    /// Strangers and silent groups, newest last; after a start made anew from the store's refused events.
    private(set) var refused: [Refused] = []
    /// When somebody tried a code that there is not, as uptime.
    private var wrongCodes: [Int64] = []

    struct Refused: Sendable {
        var address: Address
        var conversation: Conversation
        var rule: Decision.Rule
        var at: Int64
        var isDirect: Bool
        /// When it was written into the audit last.
        var audited: Int64 = 0
    }

    private struct BotPair: Hashable {
        var place: Place
        var sender: String
    }

    static let pairingLifetime: Int64 = 3_600_000
    static let pairingsPerSource = 3
    /// How often a stranger is told his code.
    static let pairingReplies: Int64 = 2
    private static let refusedLimit = 50
    private static let addressedLimit = 10_000
    private static let botLimit = 1_000
    private static let minute: Int64 = 60_000
    /// Wrong codes within a minute; past it none is looked at until the minute is over.
    private static let wrongCodeLimit = 5

    init(_ state: StoredState) {
        amendments = state.amendments
        pairings = Dictionary(state.pairings.map { ($0.code, $0) }, uniquingKeysWith: { first, _ in first })
        admissions = state.admissions
        addressed = state.addressedThreads
        let names = Dictionary(state.sources.map { ($0.id, $0.name) }, uniquingKeysWith: { first, _ in first })
        for (event, at) in state.refused {
            guard let source = names[event.source], let rule = Decision.Rule(rawValue: event.rule), !rule.letsIn else {
                continue
            }
            let head = event.head
            // What was refused before the start is not written into the audit again for it.
            _ = noteRefused(
                Refused(
                    address: Address(source: source, id: head.sender),
                    conversation: Conversation(source: source, chat: head.chat, thread: head.thread), rule: rule,
                    at: at,
                    isDirect: head.flags.contains(.direct)))
        }
    }

    // MARK: What a decision needs

    func context(_ head: EventHead, _ place: Place, _ policy: SourcePolicy, isKnown: Bool, _ now: Moment)
        -> AccessPolicy.Context
    {
        var context = AccessPolicy.Context()
        if head.flags.contains(.bot) {
            let spoken = botTimes[BotPair(place: place, sender: head.sender)] ?? []
            context.isOverBudget = spoken.count { $0 > now.uptime - Self.minute } >= policy.botBudget
        }
        if !head.flags.contains(.direct), place.thread != nil {
            context.isAddressed = isKnown || addressed.contains(place)
        }
        return context
    }

    /// An event was let in: what follows for those after it.
    /// - Returns: whether its thread has addressed us now for the first time.
    @discardableResult
    mutating func note(_ head: EventHead, _ place: Place, _ now: Moment) -> Bool {
        if head.flags.contains(.bot) {
            if botTimes.count >= Self.botLimit {
                botTimes = botTimes.filter { $0.value.last ?? 0 > now.uptime - Self.minute }
            }
            let pair = BotPair(place: place, sender: head.sender)
            botTimes[pair] = (botTimes[pair] ?? []).filter { $0 > now.uptime - Self.minute } + [now.uptime]
        }
        // A press or a reaction addresses nobody, although whoever is listed may.
        guard place.thread != nil, !head.flags.contains(.direct), head.kind == .message || head.kind == .edit,
            addressed.count < Self.addressedLimit
        else { return false }
        return addressed.insert(place).inserted
    }

    /// - Returns: how its chat came in, where that is new.
    mutating func noteAdmission(_ head: EventHead, of source: SourceID, by rule: Decision.Rule) -> ChatAdmission? {
        let admission: ChatAdmission =
            switch rule {
            case .secret: .secret
            case .loopback: .loopback
            default: head.flags.contains(.direct) ? .direct(sender: head.sender) : .group
            }
        let key = ChatKey(source: source, chat: head.chat)
        guard admissions[key] != admission else { return nil }
        // Where a person is met stays known, whatever else comes from there.
        if case .direct = admissions[key], rule == .secret || rule == .loopback { return nil }
        admissions[key] = admission
        return admission
    }

    // MARK: Refusals, codes

    /// - Returns: whether the same did not happen within the last minute.
    mutating func noteRefused(_ entry: Refused) -> Bool {
        let known = refused.firstIndex { $0.address == entry.address && $0.conversation == entry.conversation }
        var isNews = true
        var lastAudited = entry.at
        if let known {
            let last = refused.remove(at: known)
            lastAudited = last.audited
            isNews = last.rule != entry.rule || entry.at - last.audited >= Self.minute || entry.at < last.audited
        }
        var entry = entry
        entry.audited = isNews ? entry.at : lastAudited
        refused.append(entry)
        if refused.count > Self.refusedLimit { refused.removeFirst() }
        return isNews
    }

    mutating func forgetRefused(_ address: Address) { refused.removeAll { $0.address == address } }

    func isRateLimited(_ now: Moment) -> Bool {
        wrongCodes.count { $0 > now.uptime - Self.minute } >= Self.wrongCodeLimit
    }

    mutating func noteWrongCode(_ now: Moment) {
        wrongCodes = wrongCodes.filter { $0 > now.uptime - Self.minute } + [now.uptime]
    }

    func isValid(_ pairing: Pairing, _ now: Moment) -> Bool {
        pairing.created <= now.wall && now.wall - pairing.created < Self.pairingLifetime
    }

    // MARK: Amendments

    mutating func amend(_ record: AmendmentRecord) {
        amendments.removeAll {
            $0.source == record.source && $0.kind == record.kind && $0.subject == record.subject
        }
        amendments.append(record)
    }
}

/// How a change stands in the store.
extension AccessAmendment {
    var record: AmendmentRecord {
        switch self {
        case .sender(let address, let isListed):
            AmendmentRecord(
                source: address.source.text, kind: "sender", subject: address.id, value: isListed ? "in" : "out")
        case .approver(let address, let isListed):
            AmendmentRecord(
                source: address.source.text, kind: "approver", subject: address.id, value: isListed ? "in" : "out")
        case .group(let source, let chat, let group):
            AmendmentRecord(
                source: source.text, kind: "group", subject: chat, value: group?.json.text ?? "off")
        case .directPolicy(let source, let policy):
            AmendmentRecord(source: source.text, kind: "policy", subject: "", value: policy.rawValue)
        }
    }

    /// `nil` when a newer version wrote it: what cannot be understood lets nobody in.
    init?(_ record: AmendmentRecord) {
        guard let source = SourceName(record.source) else { return nil }
        let address = Address(source: source, id: record.subject)
        switch (record.kind, record.value) {
        case ("sender", "in"), ("sender", "out"): self = .sender(address, isListed: record.value == "in")
        case ("approver", "in"), ("approver", "out"): self = .approver(address, isListed: record.value == "in")
        case ("group", "off"): self = .group(source, chat: record.subject, nil)
        case ("group", let value):
            guard case .success(let json) = Result(catching: { try JSONValue(parsing: Array(value.utf8)) }),
                let group = GroupPolicy(json)
            else { return nil }
            self = .group(source, chat: record.subject, group)
        case ("policy", let value):
            guard let policy = SourcePolicy.DirectPolicy(rawValue: value) else { return nil }
            self = .directPolicy(source, policy)
        default: return nil
        }
    }
}

extension GroupPolicy {
    var json: JSONValue {
        var object: JSONObject = [
            "require_mention": .bool(requiresMention),
            "mention_patterns": .array(mentionPatterns.map { .string($0.text) }),
        ]
        if let allow { object["allow"] = .array(allow.entries.map(JSONValue.string)) }
        if let sessions { object["sessions"] = .array(sessions.map(JSONValue.string)) }
        return .object(object)
    }

    /// `nil` when a member is of the wrong kind.
    init?(_ json: JSONValue) {
        guard let requiresMention = json["require_mention"]?.boolValue else { return nil }
        let texts = json["mention_patterns"]?.arrayValue ?? []
        let patterns = texts.compactMap { $0.stringValue.flatMap(MentionPattern.init) }
        guard patterns.count == texts.count else { return nil }
        self.init(
            requiresMention: requiresMention, mentionPatterns: patterns,
            allow: json["allow"]?.arrayValue.map { GroupAllow(entries: $0.compactMap(\.stringValue)) },
            sessions: json["sessions"]?.arrayValue?.compactMap(\.stringValue))
    }
}
