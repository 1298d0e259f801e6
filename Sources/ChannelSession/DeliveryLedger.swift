import BusProtocol

/// The deliveries of a session that are between the bus and Claude Code's pipe.
struct DeliveryLedger {
    struct Written: Equatable {
        var id: Int64
        var fingerprint: Int
        /// For the log; `nil` when written deliveries are not logged.
        var event: String?
    }

    /// Deliveries that found no room in the output. Bounded by the credit that the session gave: past it a delivery is
    /// refused with `flood`.
    var waiting: [Delivery] = []
    private var underWay: [(number: UInt64, deliveries: [Written])] = []
    private var underWayIDs: Set<Int64> = []
    private(set) var written = WrittenDeliveries()
    /// Ids of events (`source:id`) that cannot stand in a tag as they are, by what the tag shows. Bounded: past
    /// ``originalLimit`` it begins anew, and Switchboard learns less surely that such an event was seen.
    private(set) var original: [String: String] = [:]
    private static let originalLimit = 256
    /// What a receipt could not say yet, because the bus took no more.
    var unsentReceipt = Receipt()

    func isUnderWay(_ delivery: Delivery) -> Bool {
        underWayIDs.contains(delivery.id) || waiting.contains { $0.id == delivery.id }
    }

    /// - Returns: whether the delivery is not under way already.
    mutating func begin(_ delivery: Delivery) -> Bool { underWayIDs.insert(delivery.id).inserted }

    mutating func note(_ event: String, shownAs shown: String) {
        if original.count == Self.originalLimit { original = [:] }
        original[shown] = event
    }

    /// A delivery that was begun is not going to be written.
    mutating func giveUp(_ delivery: Delivery) { underWayIDs.remove(delivery.id) }

    mutating func queued(_ deliveries: [Written], number: UInt64) { underWay.append((number, deliveries)) }

    /// - Returns: what is in the pipe now and was not before.
    mutating func written(_ number: UInt64) -> [Written] {
        let done = underWay.prefix { $0.number <= number }.flatMap(\.deliveries)
        underWay.removeAll { $0.number <= number }
        for delivery in done {
            underWayIDs.remove(delivery.id)
            written.insert(delivery.id, delivery.fingerprint)
        }
        return done
    }
}
