public import JSON

/// What the router decides on: everything else about an event is carried unread in its ``EventBody``.
///
/// Nothing here may come from text that a sender controls. Only these fields become identity in the tag that
/// Claude sees, so nothing can be decided on one sender and delivered as another.
public struct EventHead: Hashable, Sendable {
    /// The platform's identity of the thing: chat and message, edit, callback, guid. Never a transport counter.
    public var id: String
    public var chat: String
    public var thread: String?
    /// The sender's permanent id on the platform; never a name or a handle.
    public var sender: String
    public var kind: EventKind
    /// How the adapter knows who the sender is.
    public var authentication: Authentication
    public var flags: EventFlags
    /// Parts with the same group belong together (an album, a split paste); only the router joins them.
    public var group: String?
    /// The same for all that is said about one alert, run or issue, from its beginning to its end. It never joins
    /// texts, as ``group`` does; what is `firing` again under one fingerprint may be counted instead of delivered.
    public var fingerprint: String?
    /// Whether what has the ``fingerprint`` goes on or is over; `nil` for what is said beside that.
    public var state: AlertState?
    /// The platform's id of the message this one answers.
    public var replyTo: String?
    /// Of a `callback`: what the pressed button said it would send. A client can forge it; it proves nothing by itself.
    public var action: String?
    /// The sender's roles in this chat as the platform knows them, by their permanent ids.
    public var roles: [String]
    /// When it happened on the platform, in milliseconds since 1970; within ``times``.
    public var time: Int64

    public init(
        id: String, chat: String, thread: String? = nil, sender: String, kind: EventKind = .message,
        authentication: Authentication = .platform, flags: EventFlags = [], group: String? = nil,
        fingerprint: String? = nil, state: AlertState? = nil, replyTo: String? = nil, action: String? = nil,
        roles: [String] = [], time: Int64
    ) {
        self.id = id
        self.chat = chat
        self.thread = thread
        self.sender = sender
        self.kind = kind
        self.authentication = authentication
        self.flags = flags
        self.group = group
        self.fingerprint = fingerprint
        self.state = state
        self.replyTo = replyTo
        self.action = action
        self.roles = roles
        self.time = time
    }

    /// Longest id, chat, thread, sender, kind, group, fingerprint or action, in bytes.
    public static let fieldLimit = 512
    /// Most roles, and the longest of them, in bytes.
    public static let roleLimit = 256
    public static let roleLength = 64
    /// From 1970 to the end of the year 9999: ages and dates can be reckoned with whatever is in here.
    public static let times: ClosedRange<Int64> = 0...253_402_300_799_999
}

/// What happened. Open: an unknown kind is delivered by its name.
public struct EventKind: Hashable, Sendable, RawRepresentable {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }

    public static let message = EventKind(rawValue: "message")
    public static let edit = EventKind(rawValue: "edit")
    public static let deletion = EventKind(rawValue: "deletion")
    public static let reaction = EventKind(rawValue: "reaction")
    public static let callback = EventKind(rawValue: "callback")
    public static let membership = EventKind(rawValue: "membership")
    /// Somebody chose one of the answers that a session offered.
    public static let answer = EventKind(rawValue: "answer")
    public static let alert = EventKind(rawValue: "alert")
}

/// Where an alert stands.
public enum AlertState: String, Hashable, Sendable, CaseIterable {
    case firing, resolved
}

/// How the adapter knows the sender. Open: an unknown way counts as ``none``.
public struct Authentication: Hashable, Sendable, RawRepresentable {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }

    /// The platform vouches for the id.
    public static let platform = Authentication(rawValue: "platform")
    /// A process of the same user on this machine, and no browser.
    public static let loopback = Authentication(rawValue: "loopback")
    /// The sender knew a secret that the configuration gives to this chat.
    public static let secret = Authentication(rawValue: "secret")
    public static let none = Authentication(rawValue: "none")
}

public struct EventFlags: OptionSet, Hashable, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Between the sender and us alone.
    public static let direct = EventFlags(rawValue: 1)
    /// It addresses us: a mention, or an answer to one of our messages.
    public static let mention = EventFlags(rawValue: 2)
    /// A program wrote it.
    public static let bot = EventFlags(rawValue: 4)
    /// It comes from a backfill, not live.
    public static let late = EventFlags(rawValue: 8)
    /// Somebody else's words, or older ones, passed on.
    public static let forwarded = EventFlags(rawValue: 16)

    static let names: [(name: String, flag: EventFlags)] = [
        ("direct", .direct), ("mention", .mention), ("bot", .bot), ("late", .late), ("forwarded", .forwarded),
    ]
}

extension EventHead {
    public func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("id", id)
        writer.member("chat", chat)
        writer.member("thread", thread)
        writer.member("from", sender)
        if kind != .message { writer.member("kind", kind.rawValue) }
        if authentication != .platform { writer.member("auth", authentication.rawValue) }
        for (name, flag) in EventFlags.names { writer.flag(name, flags.contains(flag)) }
        writer.member("group", group)
        writer.member("fingerprint", fingerprint)
        writer.member("state", state?.rawValue)
        writer.member("reply_to", replyTo)
        writer.member("action", action)
        if !roles.isEmpty {
            writer.key("roles")
            writer.beginArray()
            for role in roles { writer.string(role) }
            writer.endArray()
        }
        writer.member("time", time)
        writer.endObject()
    }

    /// Reads one head; unknown members are ignored, so that a newer peer can say more.
    public init(from reader: inout JSONReader) throws(JSONError) {
        var id: String?
        var chat: String?
        var thread: String?
        var sender: String?
        var kind: String?
        var authentication: String?
        var group: String?
        var fingerprint: String?
        var state: String?
        var replyTo: String?
        var action: String?
        var roles: [String] = []
        var time: Int64?
        var flags: EventFlags = []
        try reader.beginObject()
        while let key = try reader.nextKey() {
            switch key {
            case "id": try reader.string(into: &id)
            case "chat": try reader.string(into: &chat)
            case "thread": try reader.string(into: &thread)
            case "from": try reader.string(into: &sender)
            case "kind": try reader.string(into: &kind)
            case "auth": try reader.string(into: &authentication)
            case "group": try reader.string(into: &group)
            case "fingerprint": try reader.string(into: &fingerprint)
            case "state": try reader.string(into: &state)
            case "reply_to": try reader.string(into: &replyTo)
            case "action": try reader.string(into: &action)
            case "roles":
                try reader.beginArray()
                while try reader.nextElement() {
                    var role: String?
                    try reader.string(into: &role)
                    if let role { roles.append(role) }
                }
            case "time": try reader.integer(into: &time)
            case "direct": if try reader.bool() { flags.insert(.direct) }
            case "mention": if try reader.bool() { flags.insert(.mention) }
            case "bot": if try reader.bool() { flags.insert(.bot) }
            case "late": if try reader.bool() { flags.insert(.late) }
            case "forwarded": if try reader.bool() { flags.insert(.forwarded) }
            default: try reader.skip()
            }
        }
        guard let id else { throw JSONError(.missingKey, expected: "id") }
        guard let chat else { throw JSONError(.missingKey, expected: "chat") }
        guard let sender else { throw JSONError(.missingKey, expected: "from") }
        guard let time else { throw JSONError(.missingKey, expected: "time") }
        self.init(
            id: id, chat: chat, thread: thread, sender: sender, kind: kind.map(EventKind.init) ?? .message,
            authentication: authentication.map(Authentication.init) ?? .platform, flags: flags, group: group,
            fingerprint: fingerprint, state: state.flatMap(AlertState.init), replyTo: replyTo, action: action,
            roles: roles, time: time)
    }

    /// The member that breaks a rule, or `nil` when the head may be stored.
    public var invalidMember: String? {
        let limit = Self.fieldLimit
        if id.isEmpty || id.utf8.count > limit { return "id" }
        if chat.isEmpty || chat.utf8.count > limit { return "chat" }
        if let thread, thread.isEmpty || thread.utf8.count > limit { return "thread" }
        if sender.utf8.count > limit { return "from" }
        if kind.rawValue.isEmpty || kind.rawValue.utf8.count > 64 { return "kind" }
        if let group, group.utf8.count > limit { return "group" }
        if let fingerprint, fingerprint.isEmpty || fingerprint.utf8.count > limit { return "fingerprint" }
        if let replyTo, replyTo.utf8.count > limit { return "reply_to" }
        if let action, action.utf8.count > limit { return "action" }
        if roles.count > Self.roleLimit || roles.contains(where: { $0.utf8.count > Self.roleLength }) { return "roles" }
        if !Self.times.contains(time) { return "time" }
        return nil
    }
}
