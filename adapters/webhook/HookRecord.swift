import AdapterKit

/// What the webhook remembers from one process to the next: its cursor, committed together with the events it follows
/// from. Pure.
struct HookRecord: Hashable, Sendable {
    /// Alerts that go on, and callers who wait to be called back; past it the oldest are forgotten.
    static let alertLimit = 64
    static let callbackLimit = 64

    struct Pause: Hashable, Sendable {
        /// Milliseconds since 1970; `nil` until somebody resumes.
        var until: Int64?
    }

    struct Entry: Hashable, Sendable {
        var key: String
        var value: String
    }

    /// Routes that take nothing now.
    private(set) var pauses: [HookName: Pause] = [:]
    /// The event that began each alert, by its fingerprint; oldest first.
    private(set) var alerts: [Entry] = []
    /// Where the answer to an event goes, by the event's id; oldest first.
    private(set) var callbacks: [Entry] = []

    init() {}

    /// A cursor of another version is as good as none.
    init(_ cursor: JSONValue?) {
        for member in cursor?["paused"]?.objectValue ?? [:] {
            guard let name = HookName(member.key) else { continue }
            pauses[name] = Pause(until: member.value.integerValue)
        }
        alerts = Self.entries(cursor?["alerts"]).suffix(Self.alertLimit)
        callbacks = Self.entries(cursor?["callbacks"]).suffix(Self.callbackLimit)
    }

    private static func entries(_ value: JSONValue?) -> [Entry] {
        (value?.arrayValue ?? []).compactMap { pair in
            guard let pair = pair.arrayValue, pair.count == 2, let key = pair[0].stringValue,
                let value = pair[1].stringValue
            else { return nil }
            return Entry(key: key, value: value)
        }
    }

    var cursor: JSONValue {
        var paused = JSONObject()
        for (name, pause) in pauses.sorted(by: { $0.key.text < $1.key.text }) {
            paused[name.text] = pause.until.map { .integer($0) } ?? .null
        }
        return [
            "paused": .object(paused), "alerts": .array(alerts.map { [.string($0.key), .string($0.value)] }),
            "callbacks": .array(callbacks.map { [.string($0.key), .string($0.value)] }),
        ]
    }

    // MARK: Pauses

    mutating func pause(_ route: HookName, until: Int64?) { pauses[route] = Pause(until: until) }
    mutating func resume(_ route: HookName) { pauses[route] = nil }

    /// How long a route stays paused, in milliseconds; `nil` when it is not.
    func pause(of route: HookName, now: Int64) -> Int64? {
        guard let pause = pauses[route] else { return nil }
        guard let until = pause.until else { return Self.openPause }
        return until > now ? until - now : nil
    }

    /// What a caller of a route is told that is paused without an end, in milliseconds.
    static let openPause: Int64 = 300_000

    // MARK: Alerts

    /// Relates what is said about one alert: what follows its beginning answers it, and its end forgets it.
    mutating func relate(_ head: inout EventHead) {
        guard let fingerprint = head.fingerprint, let state = head.state else { return }
        let index = alerts.firstIndex { $0.key == fingerprint }
        switch (state, index) {
        case (.firing, nil):
            alerts.append(Entry(key: fingerprint, value: head.id))
            if alerts.count > Self.alertLimit { alerts.removeFirst() }
        case (.firing, .some(let index)):
            if alerts[index].value != head.id { head.replyTo = alerts[index].value }
        case (.resolved, .some(let index)): head.replyTo = alerts.remove(at: index).value
        case (.resolved, nil): break
        }
    }

    // MARK: Callbacks

    mutating func call(back target: String, for event: String) {
        callbacks.removeAll { $0.key == event }
        callbacks.append(Entry(key: event, value: target))
        if callbacks.count > Self.callbackLimit { callbacks.removeFirst() }
    }

    func callback(for event: String) -> String? { callbacks.last { $0.key == event }?.value }
}
