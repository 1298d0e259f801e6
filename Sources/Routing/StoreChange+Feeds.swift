public import MessageStore

/// A change of what is known of feeds.
public enum FeedChange: Sendable {
    case report(StoredReport)
    case shown(StoredReport)
}

extension StoreTurn {
    mutating func apply(_ change: FeedChange) throws {
        switch change {
        case .report(let report), .shown(let report): try setReport(report)
        }
    }
}
