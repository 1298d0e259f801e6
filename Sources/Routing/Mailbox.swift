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
        window.removeAll()
        start = 0
        bytes = 0
        count += returned
        storeHasMore = count > 0
        loadedThrough = min(loadedThrough, event - 1)
    }
}
