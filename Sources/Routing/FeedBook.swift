import ChannelEvents
import MessageStore

/// What was shown to people of feeds, and what waits for the end of quiet hours; the store has both.
struct FeedBook: Sendable {
    /// Reports that are remembered; an answer to an older one is an ordinary message.
    static let limit = 512

    /// Oldest first.
    private(set) var reports: [StoredReport]
    /// The newest event that waits in each conversation whose hours are quiet: by it the session is chosen then.
    var parked: [Place: WaitingDelivery]

    init(_ stored: StoredFeeds) {
        reports = stored.reports
        parked = Dictionary(
            stored.parked.map { (Place(source: $0.source, chat: $0.head.chat, thread: $0.head.thread), $0) }
        ) { $0.event > $1.event ? $0 : $1 }
    }

    mutating func add(_ report: StoredReport) {
        reports.append(report)
        if reports.count > Self.limit { reports.removeFirst(reports.count - Self.limit) }
    }

    /// The platform has named the message.
    /// - Returns: the report as it stands now.
    mutating func show(_ event: EventSequence, as ids: [String]) -> StoredReport? {
        guard let index = reports.lastIndex(where: { $0.event == event }) else { return nil }
        reports[index].messages = ids
        return reports[index]
    }

    /// What a message of ours reported.
    func report(shownAs message: String, source: SourceID, chat: String) -> StoredReport? {
        reports.last { $0.shownIn.source == source && $0.shownIn.chat == chat && $0.messages.contains(message) }
    }

    /// The beginning of what is said about one alert, where people see it.
    func beginning(of fingerprint: String?, at place: Place, shownIn: Place) -> StoredReport? {
        guard let fingerprint else { return nil }
        return reports.first {
            $0.fingerprint == fingerprint && $0.place == place && $0.shownIn == shownIn && !$0.messages.isEmpty
        }
    }

    /// The report of an event, else the newest of its conversation.
    func report(of event: String?, at place: Place, shownIn: Place) -> StoredReport? {
        let here = reports.filter { $0.place == place && $0.shownIn == shownIn && !$0.messages.isEmpty }
        return here.last { $0.id == event } ?? here.last
    }
}
