public import ChannelEvents

/// How people see what programs send, and when it may not disturb: one entry of `feeds` of the configuration.
public struct Feed: Hashable, Sendable {
    /// What makes a sound where people are. Everything else appears there silently.
    public enum Ring: String, Hashable, Sendable, CaseIterable {
        case never, firing, always
    }

    /// Hours of the day, by this machine's clock; past midnight when the end is before the beginning.
    public struct Hours: Hashable, Sendable {
        /// Minutes since midnight.
        public let begin: Int
        public let end: Int

        /// Reads `22:00-07:00`.
        public init?(_ text: String) {
            let sides = text.split(separator: "-", omittingEmptySubsequences: false)
            guard sides.count == 2, let begin = Self.minutes(sides[0]), let end = Self.minutes(sides[1]), begin != end
            else { return nil }
            self.begin = begin
            self.end = end
        }

        private static func minutes(_ text: Substring) -> Int? {
            let parts = text.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count == 2, parts.allSatisfy({ $0.utf8.count == 2 && $0.allSatisfy(\.isASCIIDigit) }),
                let hours = Int(parts[0]), let minutes = Int(parts[1]), hours < 24, minutes < 60
            else { return nil }
            return hours * 60 + minutes
        }

        /// - Parameter minute: since midnight.
        public func contains(_ minute: Int) -> Bool {
            begin < end ? (begin..<end).contains(minute) : minute >= begin || minute < end
        }
    }

    /// Its target is not used.
    public var match: RouteRule
    /// Where people are; `nil` shows it nowhere.
    public var reportTo: Conversation?
    public var ring: Ring
    /// It wakes no session and makes no sound then; what came waits for their end.
    public var quietHours: Hours?

    public init(match: RouteRule, reportTo: Conversation? = nil, ring: Ring = .firing, quietHours: Hours? = nil) {
        self.match = match
        self.reportTo = reportTo
        self.ring = ring
        self.quietHours = quietHours
    }

    func rings(_ head: EventHead) -> Bool {
        switch ring {
        case .never: false
        case .firing: head.state == .firing
        case .always: true
        }
    }
}

extension Character {
    fileprivate var isASCIIDigit: Bool { ("0"..."9").contains(self) }
}
