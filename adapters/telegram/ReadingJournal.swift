import AdapterKit

/// How far the bot's updates are read, and what must be known to read on: the adapter's cursor. Pure.
///
/// It is committed with the events that it follows from, so that updates read again after a crash give the same events.
struct ReadingJournal: Hashable, Sendable {
    /// What the server may forget: everything below. `nil` before the first update.
    var offset: Int64?
    var moves = ChatMoves()
    private var edits = EditCounts()

    init() {}

    init(cursor: JSONValue?) {
        offset = cursor?["offset"]?.integerValue
        moves = ChatMoves(cursor?["moved"])
        edits = EditCounts(cursor?["edits"])
    }

    var cursor: JSONValue {
        var members: JSONObject = [:]
        if let offset { members["offset"] = .integer(offset) }
        if !moves.isEmpty { members["moved"] = moves.json }
        if !edits.isEmpty { members["edits"] = edits.json }
        return .object(members)
    }

    /// The id of an edit. The platform names it by its second alone; the place within the second tells further ones apart.
    mutating func editID(of message: String, second: Int64) -> String {
        let place = edits.next(message, second: second)
        return "\(message)/edit/\(second)" + (place == 1 ? "" : "/\(place)")
    }
}

/// Groups that became supergroups. A group keeps its first id in Switchboard, so that routes, access and what waits
/// for it go on; only the server is told the new one.
struct ChatMoves: Hashable, Sendable {
    /// The oldest are forgotten beyond this.
    static let limit = 256

    private var pairs: [(old: String, new: String)] = []

    init() {}

    init(_ json: JSONValue?) {
        for member in json?.objectValue ?? [:] {
            if let new = member.value.stringValue { add(old: member.key, new: new) }
        }
    }

    var isEmpty: Bool { pairs.isEmpty }

    var json: JSONValue { .object(JSONObject(pairs.map { JSONObject.Member(key: $0.old, value: .string($0.new)) })) }

    mutating func add(old: String, new: String) {
        guard old != new, !pairs.contains(where: { $0.old == old || $0.new == old || $0.old == new }) else { return }
        pairs.append((old, new))
        if pairs.count > Self.limit { pairs.removeFirst() }
    }

    mutating func merge(_ other: ChatMoves) {
        for pair in other.pairs { add(old: pair.old, new: pair.new) }
    }

    /// The chat's id with the server.
    func platformID(of chat: String) -> String { pairs.first { $0.old == chat }?.new ?? chat }

    /// The chat's id in Switchboard.
    func id(of platformID: String) -> String { pairs.first { $0.new == platformID }?.old ?? platformID }

    static func == (left: ChatMoves, right: ChatMoves) -> Bool { left.json == right.json }
    func hash(into hasher: inout Hasher) { hasher.combine(json) }
}

/// Which edits of one second were read already.
private struct EditCounts: Hashable, Sendable {
    /// Edits of one message in one second come together: a short memory is enough.
    static let limit = 32

    private var counts: [(edit: String, count: Int64)] = []

    init(_ json: JSONValue? = nil) {
        for member in json?.objectValue ?? [:] {
            if let count = member.value.integerValue { counts.append((member.key, count)) }
        }
    }

    var isEmpty: Bool { counts.isEmpty }

    var json: JSONValue {
        .object(JSONObject(counts.map { JSONObject.Member(key: $0.edit, value: .integer($0.count)) }))
    }

    mutating func next(_ message: String, second: Int64) -> Int64 {
        let edit = "\(message)/\(second)"
        if let index = counts.firstIndex(where: { $0.edit == edit }) {
            counts[index].count += 1
            return counts[index].count
        }
        counts.append((edit, 1))
        if counts.count > Self.limit { counts.removeFirst() }
        return 1
    }

    static func == (left: EditCounts, right: EditCounts) -> Bool { left.json == right.json }
    func hash(into hasher: inout Hasher) { hasher.combine(json) }
}
