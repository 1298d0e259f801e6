public import ChannelEvents
import JSON

extension Configuration {
    /// How people see what programs send.
    public struct FeedEntry: Hashable, Sendable {
        /// Only what it matches counts.
        public let match: RouteEntry
        public let reportTo: Conversation?
        /// `never`, `firing` or `always`.
        public let ring: String
        /// As in `22:00-07:00`.
        public let quietHours: String?

        init(_ value: JSONValue) {
            match = RouteEntry(value)
            reportTo = value["report_to"]?.stringValue.flatMap { Conversation($0) }
            ring = value["ring"]?.stringValue ?? "firing"
            quietHours = value["quiet_hours"]?.stringValue
        }
    }
}
