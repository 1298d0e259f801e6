import BusProtocol
import JSON
import MessageStore

/// Whether the store takes writes. While it does not, intake stops and says so; nothing is lost.
struct StoreHealth {
    private(set) var error: StoreError?
    private(set) var since: Int64 = 0
    private var lastTry: Int64 = 0

    /// Between two attempts to write again, in milliseconds.
    static let retryInterval: Int64 = 1_000

    var isFailed: Bool { error != nil }

    mutating func fail(_ error: StoreError, _ now: Moment) {
        if self.error == nil { since = now.wall }
        self.error = error
        lastTry = now.uptime
    }

    func mayTryAgain(_ now: Moment) -> Bool { now.uptime - lastTry >= Self.retryInterval }

    /// What peers are told.
    var refusal: ProtocolError {
        ProtocolError(error?.code == .full ? .storeFull : .unavailable, error?.message ?? "the store is not available")
    }

    var json: JSONValue {
        guard let error else { return ["state": "ok"] }
        return ["state": .string(error.code.rawValue), "reason": .string(error.message), "since_ms": .integer(since)]
    }
}
