import ChannelEvents
import MessageStore

/// What waits for one session: a window of it in memory, the rest in the store.
struct Mailbox {
    /// Bounds of the window; what is beyond them stays in the store until there is room.
    static let windowLimit = 1024
    static let windowBytes = 4 << 20

    private var window: [WaitingDelivery] = []
    private var start = 0
    private var bytes = 0
    /// The newest event that was ever in the window: the store is asked for what comes after it.
    private(set) var loadedThrough: EventSequence = 0
    /// The store has deliveries that are not in the window.
    private(set) var storeHasMore: Bool
    /// All that waits, in the window or not.
    private(set) var count: Int64

    init(waiting: Int64) {
        count = waiting
        storeHasMore = waiting > 0
    }

    var isEmpty: Bool { count == 0 }
    var inMemory: ArraySlice<WaitingDelivery> { window[start...] }
    /// The oldest in the window.
    var firstEvent: EventSequence? { start < window.count ? window[start].event : nil }
    /// The window is used up and the store has more.
    var needsPage: Bool { start == window.count && storeHasMore }

    /// A delivery that was just stored as waiting; kept in memory when that keeps the order and the bounds.
    mutating func add(_ delivery: WaitingDelivery) {
        count += 1
        guard !storeHasMore, window.count - start < Self.windowLimit, bytes < Self.windowBytes else {
            storeHasMore = true
            return
        }
        append(delivery)
    }

    /// A page of the store; shorter than asked means there is no more.
    mutating func take(page: [WaitingDelivery], asked: Int) {
        for delivery in page { append(delivery) }
        storeHasMore = page.count == asked
        // The last page: now the number is known, whatever was handed over meanwhile.
        if !storeHasMore { count = Int64(window.count - start) }
    }

    private mutating func append(_ delivery: WaitingDelivery) {
        window.append(delivery)
        bytes += delivery.body.count
        loadedThrough = max(loadedThrough, delivery.event)
    }

    /// The oldest in the window that is not to be left where it is.
    mutating func removeFirst(unless isHeld: (WaitingDelivery) -> Bool) -> WaitingDelivery? {
        guard let index = window[start...].firstIndex(where: { !isHeld($0) }) else { return nil }
        guard index > start else { return removeFirst() }
        let delivery = window.remove(at: index)
        bytes -= delivery.body.count
        count -= 1
        return delivery
    }

    func first(unless isHeld: (WaitingDelivery) -> Bool) -> EventSequence? {
        window[start...].first { !isHeld($0) }?.event
    }

    /// Puts back what was taken and not given to anybody, oldest first.
    mutating func putBack(_ deliveries: [WaitingDelivery]) {
        guard !deliveries.isEmpty else { return }
        let merged = (deliveries + window[start...]).sorted { $0.event < $1.event }
        bytes += deliveries.reduce(0) { $0 + $1.body.count }
        count += Int64(deliveries.count)
        window = merged
        start = 0
    }

    /// The text of something that waits has changed.
    mutating func replace(_ event: EventSequence, with body: [UInt8]) {
        guard let index = window[start...].firstIndex(where: { $0.event == event }) else { return }
        bytes += body.count - window[index].body.count
        window[index].body = body
    }

    /// Something that waited does not any more.
    mutating func remove(_ event: EventSequence) {
        count = max(0, count - 1)
        guard let index = window[start...].firstIndex(where: { $0.event == event }) else { return }
        bytes -= window[index].body.count
        window.remove(at: index)
    }

    mutating func removeFirst() -> WaitingDelivery? {
        guard start < window.count else { return nil }
        let delivery = window[start]
        start += 1
        bytes -= delivery.body.count
        count -= 1
        if start == window.count {
            window.removeAll(keepingCapacity: window.count <= Self.windowLimit)
            start = 0
        } else if start > 256, start * 2 > window.count {
            window.removeFirst(start)
            start = 0
        }
        return delivery
    }

    /// Deliveries were handed over in the store: it is read anew, and then the number is right again.
    mutating func reread() {
        window.removeAll()
        start = 0
        bytes = 0
        count = max(count, 1)
        storeHasMore = true
        loadedThrough = 0
    }

    /// How many wait in the store, known anew after a conversation was handed over.
    mutating func recount(_ waiting: Int64) {
        count = waiting
        if waiting == 0 { storeHasMore = false }
    }

    /// Deliveries became waiting again that are older than the window: it is read anew from the store.
    mutating func rewind(to event: EventSequence, adding returned: Int64) {
        // What stands in the window may be older than what went out past it.
        let oldest = min(event, firstEvent ?? event)
        window.removeAll()
        start = 0
        bytes = 0
        count += returned
        storeHasMore = count > 0
        loadedThrough = min(loadedThrough, oldest - 1)
    }
}
