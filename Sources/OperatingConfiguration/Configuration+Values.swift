import AccessControl
import ChannelEvents
import JSON

extension Configuration {
    /// Builds the values from JSON that the reader has checked and completed.
    init(effective: JSONValue) {
        let entries = (effective["adapters"]?.objectValue ?? JSONObject()).compactMap(AdapterEntry.init)
        adapters = entries
        access = AccessPolicy(
            sources: Dictionary(
                (effective["access"]?.objectValue ?? JSONObject()).filter { $0.key != Self.staticWord }.compactMap {
                    member in
                    SourceName(member.key).map { ($0, SourcePolicy(member.value)) }
                }, uniquingKeysWith: { first, _ in first }),
            people: (effective["people"]?.objectValue ?? JSONObject()).map(Person.init))
        isAccessStatic = effective["access"]?[Self.staticWord]?.boolValue ?? false
        routes = (effective["routes"]?.arrayValue ?? []).map(RouteEntry.init)
        feeds = (effective["feeds"]?.arrayValue ?? []).map(FeedEntry.init)
        let delivery = effective["delivery"]
        self.delivery = Delivery(
            attachSettle: delivery.duration("attach_settle"), firstPushWait: delivery.duration("first_push_wait"),
            deafAfter: delivery.duration("deaf_after"),
            answersWithTranscript: delivery?["answer_with_transcript"]?.boolValue ?? false,
            showsProgress: delivery?["show_progress"]?.boolValue ?? true,
            quietWindow: delivery.duration("quiet_window"), wakeBudget: delivery?["wake_budget"]?.integerValue ?? 20)
        let files = effective["files"]
        self.files = Files(
            image: (files?["image"]?.integerValue ?? 10) << 20, imageWait: files.duration("image_wait"),
            largest: (files?["largest"]?.integerValue ?? 50) << 20,
            total: (files?["total"]?.integerValue ?? 1_024) << 20)
        let permissions = effective["permissions"]
        self.permissions = Permissions(
            cardDelay: permissions.duration("card_delay"), limit: permissions.duration("limit"),
            onTimeout: permissions?["on_timeout"]?.stringValue ?? "renew",
            cardsHere: (permissions?.texts("cards_here") ?? []).compactMap { Conversation($0) },
            allowsGrants: permissions?["grants"]?.boolValue ?? false,
            twoPerson: permissions?.texts("two_person") ?? [])
        retention = Retention(
            textDays: effective["retention"]?["text_days"]?.integerValue ?? 30,
            idDays: effective["retention"]?["id_days"]?.integerValue ?? 90)
        remote = effective["router"].flatMap(Remote.init)
        log = Log(
            format: effective["log"]?["format"]?.stringValue ?? "text",
            level: effective["log"]?["level"]?.stringValue ?? "info")
        // Every entry says its kind, also where the file leaves it to the name.
        var shown = effective.objectValue ?? JSONObject()
        shown["adapters"] = .object(
            JSONObject(entries.map { JSONObject.Member(key: $0.name.text, value: $0.json) }))
        self.effective = .object(shown)
    }
}

extension Configuration {
    /// The key of `access` that is no source.
    static let staticWord = "static"

    /// Takes away what the administrator does not allow.
    mutating func bind(by policy: ManagedPolicy) {
        managed = policy
        adapters = adapters.map { entry in
            var entry = entry
            if !policy.ceiling.allows(kind: entry.kind) { entry.isEnabled = false }
            return entry
        }
        var shown = effective.objectValue ?? JSONObject()
        shown["adapters"] = .object(
            JSONObject(adapters.map { JSONObject.Member(key: $0.name.text, value: $0.json) }))
        effective = .object(shown)
    }
}

extension Configuration.AdapterEntry {
    fileprivate init?(_ member: JSONObject.Member) {
        guard let name = SourceName(member.key) else { return nil }
        var settings = member.value.objectValue ?? JSONObject()
        settings["kind"] = nil
        settings["enabled"] = nil
        self.name = name
        kind = member.value["kind"]?.stringValue ?? name.text
        isEnabled = member.value["enabled"]?.boolValue ?? true
        self.settings = .object(settings)
    }

    fileprivate var json: JSONValue {
        var members: JSONObject = ["kind": .string(kind), "enabled": .bool(isEnabled)]
        for setting in settings.objectValue ?? JSONObject() { members[setting.key] = setting.value }
        return .object(members)
    }
}

extension Configuration.RouteEntry {
    init(_ value: JSONValue) {
        let match = value["match"]
        conversation = match?["conversation"]?.stringValue.flatMap { Conversation($0) }
        source = match?["source"]?.stringValue.flatMap { SourceName($0) }
        thread = match?["thread"]?.stringValue
        sender = match?["sender"]?.stringValue
        kind = match?["kind"]?.stringValue
        text = match?["text"]?.stringValue.flatMap { MentionPattern($0) }
        target = Target(value)
        isUrgent = value["urgent"]?.boolValue ?? false
    }
}

extension Configuration.RouteEntry.Target {
    /// The keys that choose, of which an entry has one.
    static let keys = ["to", "first_idle", "all", "hold"]

    /// `nil` when the entry chooses nothing.
    fileprivate init?(_ value: JSONValue) {
        if let label = value["to"]?.stringValue {
            self = .session(label)
        } else if value["first_idle"] != nil {
            self = .firstIdle(value.texts("first_idle"))
        } else if value["all"] != nil {
            self = .all(value.texts("all"))
        } else if value["hold"]?.boolValue == true {
            self = .hold
        } else {
            return nil
        }
    }
}

extension Configuration.Remote {
    fileprivate init?(_ value: JSONValue) {
        guard let endpoint = value["listen"]?.stringValue, let publicKey = value["public_key"]?.stringValue,
            let secretKey = value["secret_key"]?.stringValue
        else { return nil }
        self.endpoint = endpoint
        self.publicKey = publicKey
        secretKeyReference = secretKey
        peers = (value["peers"]?.arrayValue ?? []).compactMap { peer in
            guard let key = peer["public_key"]?.stringValue, let role = peer["role"]?.stringValue,
                let name = peer["name"]?.stringValue
            else { return nil }
            return Peer(publicKey: key, role: role, name: name)
        }
    }
}

extension SourcePolicy {
    fileprivate init(_ value: JSONValue) {
        self.init(
            allow: Set(value.texts("allow")), approvers: Set(value.texts("approvers")),
            directPolicy: value["dm_policy"]?.stringValue.flatMap(DirectPolicy.init),
            groups: Dictionary(
                (value["groups"]?.objectValue ?? JSONObject()).map { ($0.key, GroupPolicy($0.value)) },
                uniquingKeysWith: { first, _ in first }),
            limits: (value["sessions"]?.arrayValue ?? []).compactMap { limit in
                SessionLimit(
                    sender: limit["sender"]?.stringValue, chat: limit["chat"]?.stringValue, labels: limit.texts("to"))
            },
            botBudget: Int(value["bot_budget"]?.integerValue ?? 20),
            trustsLoopback: value["trust_loopback"]?.boolValue ?? true)
    }
}

extension GroupPolicy {
    fileprivate init(_ value: JSONValue) {
        self.init(
            requiresMention: value["require_mention"]?.boolValue ?? true,
            mentionPatterns: value.texts("mention_patterns").compactMap { MentionPattern($0) },
            allow: value["allow"] == nil ? nil : GroupAllow(entries: value.texts("allow")),
            sessions: value["sessions"] == nil ? nil : value.texts("sessions"))
    }
}

extension Person {
    fileprivate init(_ member: JSONObject.Member) {
        self.init(
            name: member.key, isOwner: member.value["owner"]?.boolValue ?? false,
            addresses: member.value.texts("addresses").compactMap { Address($0) })
    }
}

extension JSONValue {
    fileprivate func texts(_ key: String) -> [String] { (self[key]?.arrayValue ?? []).compactMap(\.stringValue) }
}

extension JSONValue? {
    fileprivate func duration(_ key: String) -> Int64 {
        self?[key]?.stringValue.flatMap(DurationText.milliseconds) ?? 0
    }
}
