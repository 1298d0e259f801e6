import ChannelEvents
import MessageStore

/// Which conversations wait a moment because what belongs together is still coming, and which feeds have woken their
/// session often enough. Only in memory: after a restart nothing is waited for, and what waits is put together anyway.
struct GatheringBook {
    private struct Window {
        /// Uptime.
        var begun: Int64
        var until: Int64
    }

    private struct Wakes {
        var begun: Int64
        var count: Int
    }

    /// The longest that parts are waited for, however many come, in milliseconds.
    static let patience: Int64 = 5_000
    /// The time of a wake budget, and how long the same alert is counted instead of delivered, in milliseconds.
    static let minute: Int64 = 60_000
    /// More conversations or alerts than this are not watched: they go at once.
    private static let limit = 4_096

    private var windows: [Place: Window] = [:]
    private var wakes: [Place: Wakes] = [:]
    /// When an alert was delivered last.
    private var alerts: [AlertKey: Int64] = [:]
    /// Feeds that are held until the minute of their budget is over.
    private var spent: [Place: Int64] = [:]
    /// Alerts that are counted, and until when.
    private var counted: [AlertKey: Int64] = [:]
    /// Feeds that were held: what waits of them comes as a digest.
    private(set) var overflowed: Set<Place> = []

    /// Nothing is held anywhere.
    var isIdle: Bool { windows.isEmpty && spent.isEmpty && counted.isEmpty }

    /// A part that more may follow.
    mutating func expectMore(in place: Place, quiet: Int64, now: Int64) {
        guard windows.count < Self.limit || windows[place] != nil else { return }
        let begun = windows[place]?.begun ?? now
        windows[place] = Window(begun: begun, until: min(now + quiet, begun + Self.patience))
    }

    func expectsMore(in place: Place) -> Bool { !windows.isEmpty && windows[place] != nil }

    /// The last part came.
    mutating func complete(_ place: Place) { windows[place] = nil }

    /// Whether a feed may wake its session now. When not, it is held from now on.
    mutating func mayWake(_ head: EventHead, in place: Place, budget: Int, now: Int64) -> String? {
        if let key = AlertKey(head, place), let last = alerts[key], now < last + Self.minute {
            counted[key] = last + Self.minute
            return "repeated"
        }
        if let wakes = wakes[place], now < wakes.begun + Self.minute, wakes.count >= budget {
            spent[place] = wakes.begun + Self.minute
            overflowed.insert(place)
            return "budget"
        }
        return nil
    }

    /// A feed woke its session.
    mutating func noteWake(_ head: EventHead, in place: Place, now: Int64) {
        if let key = AlertKey(head, place), alerts.count < Self.limit { alerts[key] = now }
        if let begun = wakes[place]?.begun, now < begun + Self.minute {
            wakes[place]?.count += 1
        } else if wakes.count < Self.limit {
            wakes[place] = Wakes(begun: now, count: 1)
        }
    }

    mutating func noteDigested(_ place: Place) { overflowed.remove(place) }

    /// Whether a delivery is to be left where it is for now.
    func holds(_ delivery: WaitingDelivery) -> Bool {
        let place = delivery.place
        if windows[place] != nil { return true }
        guard delivery.head.isFeed else { return false }
        if spent[place] != nil { return true }
        return AlertKey(delivery.head, place).map { counted[$0] != nil } ?? false
    }

    /// Lets go what was held long enough.
    mutating func pass(now: Int64) {
        if !windows.isEmpty { windows = windows.filter { now < $0.value.until } }
        if !spent.isEmpty { spent = spent.filter { now < $0.value } }
        if !counted.isEmpty { counted = counted.filter { now < $0.value } }
        // What is remembered of quiet feeds is dropped when there is much of it.
        if alerts.count > Self.limit / 2 { alerts = alerts.filter { now < $0.value + Self.minute } }
        if wakes.count > Self.limit / 2 { wakes = wakes.filter { now < $0.value.begun + Self.minute } }
    }

    var deadline: Int64? {
        guard !isIdle else { return nil }
        return [windows.values.map(\.until).min(), spent.values.min(), counted.values.min()].lazy.compactMap(\.self)
            .min()
    }
}

extension EventHead {
    /// A program's news: alerts, builds, monitors. Nobody waits for an answer.
    var isFeed: Bool { authentication == .secret || kind == .alert || fingerprint != nil }
}
