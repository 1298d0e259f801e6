/// What became of one `publish`: all of it is committed, except what is named here.
public struct Publication: Hashable, Sendable {
    /// Events that were read and will not be delivered. They need not be sent again.
    public var refused: [Refusal]

    public struct Refusal: Hashable, Sendable {
        /// The event's place among those that were published.
        public var index: Int
        /// `malformed`, `oversize`, `not-allowed`, …
        public var code: String

        public init(index: Int, code: String) {
            self.index = index
            self.code = code
        }
    }

    public init(refused: [Refusal] = []) { self.refused = refused }
}

/// Why a `publish` did not end in a commit that we know of.
public struct PublishError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Code: String, Sendable, CaseIterable {
        /// Too many publishes wait already; nothing was sent. Stop reading the platform for a while.
        case overloaded
        /// The router did not take it in time; nothing was sent.
        case away
        /// It was sent and not acknowledged in time: it may be stored. Publish it again under the same ids.
        case unacknowledged
        /// The adapter stops.
        case stopped
        /// The task was cancelled before the acknowledgement came.
        case cancelled
    }

    public let code: Code

    public init(_ code: Code) { self.code = code }

    public var description: String {
        switch code {
        case .overloaded: return "too many publishes wait for the router; try again later"
        case .away: return "the router did not take the events in time; nothing was sent"
        case .unacknowledged: return "the router did not acknowledge in time; publish again under the same ids"
        case .stopped: return "the adapter stops"
        case .cancelled: return "the publish was cancelled"
        }
    }
}
