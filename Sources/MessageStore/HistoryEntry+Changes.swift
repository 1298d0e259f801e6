public import JSON

extension HistoryEntry {
    /// A state that a delivery came into, when, and why.
    public struct Change: Hashable, Sendable {
        public var state: DeliveryState
        /// Milliseconds since 1970.
        public var at: Int64
        public var reason: String?

        /// What waits for a reason is held; else it is only stored.
        public var word: String { state == .waiting && reason != nil ? "held" : state.word }

        public var json: JSONObject {
            var object: JSONObject = ["state": .string(word), "since_ms": .integer(at)]
            if let reason { object["reason"] = .string(reason) }
            return object
        }
    }
}

extension HistoryEntry.Delivery {
    /// All its states, oldest first, the present one last. The first ones of a very long life are not kept.
    public var changes: [HistoryEntry.Change] {
        trail.split(separator: " ").compactMap(HistoryEntry.Change.init) + [HistoryEntry.Change(self)]
    }
}

extension HistoryEntry.Change {
    public init(_ delivery: HistoryEntry.Delivery) {
        self.init(state: delivery.state, at: delivery.changed, reason: delivery.reason)
    }

    /// `state:time` or `state:time:reason`; `nil` for what the limit of a trail has cut.
    fileprivate init?(_ text: Substring) {
        let parts = text.split(separator: ":", maxSplits: 2)
        guard parts.count >= 2, let state = Int64(parts[0]).flatMap(DeliveryState.init), let at = Int64(parts[1]),
            at > 1 << 32
        else { return nil }
        self.init(state: state, at: at, reason: parts.count == 3 ? String(parts[2]) : nil)
    }
}
