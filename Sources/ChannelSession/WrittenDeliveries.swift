import BusProtocol
import ChannelEvents

/// The last deliveries that this process wrote. A restarted router learns them from HELLO, and what comes once more
/// without being marked as that is not written a second time.
///
/// Bounded: past ``limit`` the oldest is forgotten; the router's own mark then still tells Claude.
struct WrittenDeliveries {
    static let limit = 1024

    /// In the order they were written, once it is full as a ring.
    private var order: [Int64] = []
    private var oldest = 0
    /// The event of each: a store that was made anew counts deliveries from the start, and those are new ones.
    private var events: [Int64: Int] = [:]

    func contains(_ delivery: Delivery) -> Bool {
        events[delivery.id] == Self.fingerprint(delivery)
    }

    mutating func insert(_ id: Int64, _ fingerprint: Int) {
        guard events.updateValue(fingerprint, forKey: id) == nil else { return }
        if order.count < Self.limit {
            order.append(id)
        } else {
            events[order[oldest]] = nil
            order[oldest] = id
            oldest = (oldest + 1) % Self.limit
        }
    }

    /// Oldest first.
    var ids: [Int64] { Array(order[oldest...] + order[..<oldest]) }

    static func fingerprint(_ delivery: Delivery) -> Int {
        fingerprint(EventKey(source: delivery.source, id: delivery.head.id))
    }

    static func fingerprint(_ event: EventKey) -> Int {
        var hasher = Hasher()
        hasher.combine(event)
        return hasher.finalize()
    }
}
